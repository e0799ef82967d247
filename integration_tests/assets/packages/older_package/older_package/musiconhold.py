class MusicOnHold:
    def __init__(self, dependencies):
        self._config = dependencies["config"]
        self._tpl_helper = dependencies["tpl_helper"]

    def generate(self):
        template = self._tpl_helper.get_template("asterisk/older_musiconhold")
        return template.dump({"directory": self._config["older_package"]["directory"]})
