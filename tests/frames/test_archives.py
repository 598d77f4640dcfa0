"""Archives are listed and read in place; hostile or broken members are named and do no harm."""

import gzip
import io
import resource
import struct
import tarfile
import zipfile

import pytest
from archive_cases import KINDS, add, pack
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.archives import list_members, read_members
from radar_cleaner.frames.sources import is_picture

MOST = 10_000
FILES = {"b/r_202407110006.png": b"second" * 100, "r_202407110000.png": b"first", "notes.txt": b"no picture"}


def listed(path):
    return list_members(str(path), is_picture)


def read(path, members=None, most=MOST):
    return dict(read_members(str(path), listed(path) if members is None else members, most))


def reasons(path):
    """Return the reason why each member is refused, by listing or by reading."""
    members = listed(path)
    found = {member.name: member.problem for member in members}
    for member, data in read(path, [member for member in members if not member.problem]).items():
        found[member.name] = str(data) if isinstance(data, FrameError) else ""
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_pictures_of_an_archive_are_listed_and_read(tmp_path, kind):
    path = pack(tmp_path / f"frames.{kind}", FILES)
    members = listed(path)
    assert [(member.name, member.size, member.problem) for member in members] == [
        ("b/r_202407110006.png", 600, ""),
        ("r_202407110000.png", 5, ""),
    ]
    assert read(path, reversed(members)) == {member: FILES[member.name] for member in members}
    assert [path] == list(tmp_path.iterdir())  # nothing was unpacked


@pytest.mark.parametrize("kind", KINDS)
def test_content_is_identified_by_its_checksum_not_by_position_or_age(tmp_path, kind):
    first = pack(tmp_path / f"a.{kind}", FILES)
    again = pack(tmp_path / f"b.{kind}", {"new.png": b"x", **dict(reversed(FILES.items()))})
    other = pack(tmp_path / f"c.{kind}", FILES | {"r_202407110000.png": b"fIrst"})
    contents = [{member.name: member.content for member in listed(path)} for path in (first, again, other)]
    assert contents[0].items() < contents[1].items()
    assert {name for name in contents[0] if contents[0][name] != contents[2][name]} == {"r_202407110000.png"}


def test_a_compressed_tar_is_unpacked_once_to_be_listed(tmp_path, monkeypatch):
    files = {f"{index}.png": bytes([index % 251]) * (512 * (index % 40)) for index in range(300)}
    path = pack(tmp_path / "frames.tar.gz", files)
    reads = []
    plain = gzip._GzipReader.read
    monkeypatch.setattr(gzip._GzipReader, "read", lambda *given: reads.append(plain(*given)) or reads[-1])
    assert len(listed(path)) == 300
    unpacked = sum(map(len, reads))
    assert unpacked < 1.05 * sum(map(len, files.values())) + 1024 * 302 + 10240
    reads.clear()
    assert len(read(path, listed(path))) == 300


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/r_202407110000.png", "leads out of the archive"),
        ("../../r_202407110000.png", "leads out of the archive"),
        ("a/../../r_202407110000.png", "leads out of the archive"),
        ("C:/r_202407110000.png", "leads out of the archive"),
        ("./a//r_202407110000.png", ""),
    ],
)
def test_names_that_lead_out_of_the_archive_are_refused(tmp_path, kind, name, reason):
    found = reasons(pack(tmp_path / f"frames.{kind}", {name: b"x"}))
    assert len(found) == 1 and reason in next(iter(found.values()))
    assert bool(reason) == bool(next(iter(found.values())))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_one_name_the_last_is_taken(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("r.png", b"old")
        file.writestr("r.png", b"new")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, "./r.png", b"old")
        add(tar, "r.png", b"new")
    for path in (tmp_path / "a.zip", tmp_path / "a.tar"):
        old, new = listed(path)
        assert "occurs in the archive again" in old.problem and not new.problem
        assert list(read(path, [new]).values()) == [b"new"]


def test_a_member_named_like_a_picture_that_is_not_a_file_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, "link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(tar, "hard.png", type=tarfile.LNKTYPE, linkname="link.png")
        add(tar, "device.png", type=tarfile.CHRTYPE)
        add(tar, "pipe.png", type=tarfile.FIFOTYPE)
        add(tar, "folder.png", type=tarfile.DIRTYPE)
        add(tar, ".hidden/r.png", b"x")
        add(tar, "__MACOSX/._r.png", b"x")
    found = reasons(tmp_path / "a.tar")
    assert found.pop("folder.png") == "a folder, not a picture"
    assert found.keys() == {"link.png", "hard.png", "device.png", "pipe.png"}
    assert set(found.values()) == {"a link or a device, not a picture"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("folder.png/", b"")
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    assert reasons(tmp_path / "a.zip") == {
        "folder.png": "a folder, not a picture",
        "link.png": "a link or a device, not a picture",
    }


def edited(path, before, after):
    """Return the archive with bytes replaced everywhere."""
    data = path.read_bytes()
    assert before in data and len(before) == len(after)
    path.write_bytes(data.replace(before, after))
    return path


def test_an_encrypted_member_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"r.png": b"secret"})
    for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data = bytearray(path.read_bytes())
        data[data.index(head) + at] |= 1
        path.write_bytes(data)
    assert "encrypted" in reasons(path)["r.png"]


def test_an_unknown_compression_is_refused_and_the_other_members_are_read(tmp_path):
    path = pack(tmp_path / "a.zip", {"a.png": b"x" * 50, "b.png": b"y" * 50})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 8] = data[data.index(b"PK\x01\x02") + 10] = 99
    path.write_bytes(data)
    found = reasons(path)
    assert "cannot be read from its archive: That compression method" in found["a.png"] and found["b.png"] == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_with_a_too_large_size_is_refused_unread(tmp_path, kind):
    path = pack(tmp_path / f"frames.{kind}", {"a.png": bytes(MOST + 1), "b.png": bytes(MOST)})
    assert reasons(path) == {"a.png": f"{MOST + 1} bytes; a picture of this size has at most {MOST}", "b.png": ""}


def test_a_zip_member_larger_than_its_header_is_refused(tmp_path):
    bomb = 50_000_000
    path = pack(tmp_path / "a.zip", {"a.png": bytes(bomb), "b.png": b"good"})
    edited(path, struct.pack("<L", bomb), struct.pack("<L", 1000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = reasons(path)
    assert "cannot be read from its archive: Bad CRC-32" in found["a.png"] and found["b.png"] == ""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


def test_a_tar_header_with_a_huge_size_neither_fills_the_memory_nor_hangs(tmp_path):
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE):
        for size in (2**33, -1024):
            info = tarfile.TarInfo("a.png")
            info.type, info.size = kind, size
            path = tmp_path / "a.tar"
            path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
            with pytest.raises(ConfigError, match=r"cannot be read to its end .*claims"):
                listed(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0, 0.4, 0.97])
def test_a_truncated_archive_is_one_line_with_a_remedy(tmp_path, kind, share):
    noise = bytes((index * index // 7) % 251 for index in range(20_000))
    path = pack(tmp_path / f"frames.{kind}", {f"{index}.png": noise[index:] for index in range(3)})
    size = path.stat().st_size if kind != "tar" else 3 * 20_480
    path.write_bytes(path.read_bytes()[: int(share * size)])
    with pytest.raises(ConfigError, match=r"^the archive \S+ cannot be read .+; fetch or pack") as error:
        listed(path)
    assert "\n" not in str(error.value)


def test_a_tar_cut_between_two_blocks_is_refused(tmp_path):
    path = pack(tmp_path / "a.tar", FILES)
    whole = path.read_bytes()
    end = len(whole.rstrip(b"\0")) // 512 * 512 + 512  # the zeros at the end of a tar begin here
    for cut in range(0, end + 1, 512):
        path.write_bytes(whole[:cut])
        with pytest.raises(ConfigError, match="cannot be read to its end"):
            listed(path)
    for cut in (end + 512, end + 1024, len(whole)):
        path.write_bytes(whole[:cut])
        assert len(listed(path)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_archive_is_valid(tmp_path, kind):
    assert listed(pack(tmp_path / f"frames.{kind}", {})) == []


def test_a_broken_header_is_not_the_end_of_a_tar(tmp_path):
    path = pack(tmp_path / "a.tar", {"a.png": b"x", "b.png": b"y"})
    edited(path, b"b.png", b"B.png")  # its checksum is now wrong
    with pytest.raises(ConfigError, match="a broken header at byte 1024"):
        listed(path)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_of_another_format_than_its_suffix_is_refused(tmp_path, kind):
    path = tmp_path / f"frames.{kind}"
    path.write_bytes(b"no archive at all, but long enough to be looked into\n" * 40)
    with pytest.raises(ConfigError, match="cannot be read to its end"):
        listed(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_that_changed_since_the_listing_is_refused(tmp_path, kind):
    path = pack(tmp_path / f"frames.{kind}", {"a.png": b"before"})
    members = listed(path)
    pack(path, {"a.png": b"after!"})
    assert all("changed while it was read" in str(data) for data in read(path, members).values())


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=12).map(lambda text: f"{text}.png"),
        st.binary(max_size=30),
        max_size=5,
    )
)
def test_members_of_any_name_are_listed_once_or_hidden(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("names")
    files = {name.replace("\0", "0").replace("\r", "r"): data for name, data in files.items()}
    for kind in ("zip", "tar"):
        buffer = folder / f"a.{kind}"
        pack(buffer, files)
        members = listed(buffer)
        assert len(members) <= len(files)
        for member, data in read(buffer, members).items():
            assert member.name.isprintable() and member.name.endswith(".png")
            assert data in files.values()


def test_damage_within_a_compressed_tar_is_reported(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        add(tar, "a.png", bytes(range(256)) * 400)
    data = bytearray(gzip.compress(buffer.getvalue()))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "a.tar.gz").write_bytes(data)
    with pytest.raises(ConfigError, match="cannot be read to its end"):
        listed(tmp_path / "a.tar.gz")
