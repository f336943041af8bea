"""Files in both directions: waits for files of the client and sends each one back, changed."""

from inferlet import session

CHANGES = {"upper": bytes.upper, "reverse": lambda data: data[::-1], "none": bytes}


async def main(input):
    change = CHANGES[input.get("change", "upper")]
    sizes = []
    for _ in range(input.get("count", 1)):
        file = await session.receive_file()
        session.send_file(change(file), file.name)
        sizes.append(len(file))
    return sizes
