"""A catalogue's repository, as an author has it: real git in a folder."""

from pathlib import Path

import git


class Origin:
    """Each method makes a commit on `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._repo = git.Repo.init(folder, initial_branch="main")
        with self._repo.config_writer() as config:
            config.set_value("user", "name", "author").set_value("user", "email", "author@example.org")

    def commit(self, **files: str | None) -> str:
        """Write files, or with None remove them; `workflows__a_yaml` is `workflows/a.yaml`. Returns the commit's id."""
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_yaml", ".yaml")
            path.parent.mkdir(exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self._repo.git.add("--all")
        self._repo.git.commit("--quiet", "--message=change")
        return self._repo.head.commit.hexsha

    def link(self, name: str, target: str) -> None:
        (self.folder / name).symlink_to(target)
        self.commit()

    def submodule(self, path: str) -> None:
        entry = f"160000,{self._repo.head.commit.hexsha},{path}"
        self._repo.git.update_index("--add", "--cacheinfo", entry)
        self._repo.git.commit("--quiet", "--message=submodule")

    def close(self) -> None:
        self._repo.close()
