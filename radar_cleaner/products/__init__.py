"""The cleaned product: decision, composite, CF stores, GeoTIFF."""
