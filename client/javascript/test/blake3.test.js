import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { blake3 } from "../src/blake3.js";

/** Of bytes 0, 1, … 250, 0, 1, … as in the official test vectors; made with the reference implementation. */
const vectors = JSON.parse(readFileSync(new URL("blake3_vectors.json", import.meta.url), "utf8"));

for (const [size, hash] of Object.entries(vectors)) {
  test(`the hash of ${size} bytes`, () => assert.equal(blake3(Uint8Array.from({ length: Number(size) }, (_, index) => index % 251)), hash));
}

test("a part of a buffer is hashed like a copy of it", () => {
  const whole = new Uint8Array(300).fill(1);
  assert.equal(blake3(whole.subarray(7, 100)), blake3(whole.slice(7, 100)));
});
