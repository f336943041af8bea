import assert from "node:assert/strict";
import test from "node:test";

import { decode, encode } from "../src/msgpack.js";

const values = [
  null, true, false, 0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -32, -33, -129, -(2 ** 40),
  0.5, -0.25, 1e300, Infinity, "", "é".repeat(40), "x".repeat(300), "x".repeat(70_000), [], [1, [2, ["three"]]], Array(20).fill(7),
];

for (const value of values) {
  test(`${JSON.stringify(value)?.slice(0, 40)} comes back as it was`, () => assert.deepEqual(decode(encode(value)), value));
}

test("bytes come back as bytes", () => {
  for (const size of [0, 1, 255, 256, 65_536, 300_000]) assert.equal(decode(encode(new Uint8Array(size).fill(7))).length, size);
});

test("maps come back, without what is undefined", () => {
  assert.deepEqual({ ...decode(encode({ a: 1, b: undefined, c: { d: [] } })) }, { a: 1, c: Object.assign(Object.create(null), { d: [] }) });
});

test("a key named __proto__ is a key like others", () => {
  const map = decode(Uint8Array.of(0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 0x01));
  assert.deepEqual(Object.keys(map), ["__proto__"]);
});

test("what other encoders write is read", () => {
  assert.equal(decode(Uint8Array.of(0xcc, 200)), 200);
  assert.equal(decode(Uint8Array.of(0xcd, 1, 0)), 256);
  assert.equal(decode(Uint8Array.of(0xd0, 0x80)), -128);
  assert.equal(decode(Uint8Array.of(0xca, 0x3f, 0x80, 0, 0)), 1);
  assert.equal(decode(Uint8Array.of(0xcf, 0, 0, 0, 1, 0, 0, 0, 0)), 2 ** 32);
});

test("what is cut off, too long, or no value, is an error and takes no memory", () => {
  const bad = [[], [0x92, 1], [0xc1], [1, 2], [0xa2, 0x61], [0xdd, 255, 255, 255, 255], [0xdf, 255, 255, 255, 255], [0xc6, 255, 255, 255, 255], [0x81, 1, 1], [0xa1, 0xff]];
  for (const bytes of bad) assert.throws(() => decode(Uint8Array.from(bytes)));
  assert.throws(() => decode(new Uint8Array(1000).fill(0x91)), RangeError);
});
