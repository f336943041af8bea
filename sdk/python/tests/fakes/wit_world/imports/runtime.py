from wit_world.imports._calls import enter


def version() -> str:
    enter("version")
    return "0.1.0"


def process_id() -> str:
    enter("process-id")
    return "3b241101-e2bb-4255-8caf-4136c566a962"


def username() -> str:
    enter("username")
    return "ada"


def models() -> list[str]:
    return list(enter("models").models)
