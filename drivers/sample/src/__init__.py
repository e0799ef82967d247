NAME = "sample"
GROUP = "Examples"
VERSION = "0.1"
DESCRIPTION = "The driver of the developer's guide: one value of the configuration in one file"
