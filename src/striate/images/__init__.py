"""Images: files, patches, whitening, and features convolved and pooled."""
