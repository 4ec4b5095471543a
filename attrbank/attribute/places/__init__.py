"""Where bundles are kept: folders, repositories of the hub, and addresses that web servers answer for."""
