NAME = "wazo"
GROUP = "Wazo"
VERSION = "1.0"
DESCRIPTION = "Every configuration file of a Wazo PBX, from its PostgreSQL database"
