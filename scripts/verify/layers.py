#!/usr/bin/env python3
"""How many files in the layers of an image hold each text: `docker save IMAGE | layers.py TEXT …`.

Layers are unpacked, compressed or not, and so are files that a later layer deleted.
"""

import io
import sys
import tarfile


def main():
    texts = [text.encode() for text in sys.argv[1:]]
    found = [0] * len(texts)
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|*") as image:
        for blob in image:
            content = image.extractfile(blob) if blob.isfile() else None
            if content is None:
                continue
            data = content.read()
            try:
                layer = tarfile.open(fileobj=io.BytesIO(data), mode="r:*")
            except tarfile.ReadError:
                found = [count + (text in data) for count, text in zip(found, texts)]
                continue
            for member in layer:
                file = layer.extractfile(member) if member.isfile() else None
                if file is not None:
                    inside = file.read()
                    found = [count + (text in inside) for count, text in zip(found, texts)]
    print(*found)


if __name__ == "__main__":
    main()
