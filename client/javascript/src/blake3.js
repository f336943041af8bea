// BLAKE3 of bytes, unkeyed, 32 bytes of output, after the specification by O'Connor, Aumasson, Neves and Wilcox-O'Hearn (2020).
//
// The input is cut into chunks of 1024 bytes, each compressed in blocks of 64. Chaining values of chunks are joined pairwise into a
// binary tree whose left subtrees are as large as they can be; a stack holds the left ones that wait for their right neighbours.

const CHUNK_BYTES = 1024;
const BLOCK_BYTES = 64;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

const IV = Uint32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];

/** The order of message words in each of the seven rounds, one after the other. */
const SCHEDULE = schedule();

const state = new Uint32Array(16);
const block = new Uint32Array(16);
const blockBytes = new Uint8Array(block.buffer);
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * @param {Uint8Array} data
 * @returns {string} 64 hex digits
 */
export function blake3(data) {
  /** @type {Uint32Array[]} */
  const stack = [];
  const chunks = Math.max(1, Math.ceil(data.length / CHUNK_BYTES));
  for (let index = 0; index < chunks - 1; index += 1) push(stack, chunk(data, index, 0), index + 1);
  if (chunks === 1) return hex(chunk(data, 0, ROOT));
  let value = chunk(data, chunks - 1, 0);
  while (stack.length > 0) {
    const left = /** @type {Uint32Array} */ (stack.pop());
    value = parent(left, value, stack.length === 0 ? ROOT : 0);
  }
  return hex(value);
}

/**
 * Join complete subtrees: as many as the number of chunks so far has trailing zero bits.
 * @param {Uint32Array[]} stack @param {Uint32Array} value @param {number} chunks
 */
function push(stack, value, chunks) {
  for (let total = chunks; total % 2 === 0; total /= 2) value = parent(/** @type {Uint32Array} */ (stack.pop()), value, 0);
  stack.push(value);
}

/**
 * The chaining value of one chunk.
 * @param {Uint8Array} data @param {number} index @param {number} flags
 */
function chunk(data, index, flags) {
  const begin = index * CHUNK_BYTES;
  const end = Math.min(begin + CHUNK_BYTES, data.length);
  const blocks = Math.max(1, Math.ceil((end - begin) / BLOCK_BYTES));
  const value = IV.slice();
  for (let number = 0; number < blocks; number += 1) {
    const at = begin + number * BLOCK_BYTES;
    const size = Math.min(BLOCK_BYTES, end - at);
    load(data, at, size);
    const last = number === blocks - 1;
    compress(value, index, size, (number === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | flags : 0));
  }
  return value;
}

/** @param {Uint32Array} left @param {Uint32Array} right @param {number} flags */
function parent(left, right, flags) {
  block.set(left);
  block.set(right, 8);
  const value = IV.slice();
  compress(value, 0, BLOCK_BYTES, PARENT | flags);
  return value;
}

/** @param {Uint8Array} data @param {number} at @param {number} size */
function load(data, at, size) {
  blockBytes.fill(0);
  blockBytes.set(data.subarray(at, at + size));
  if (!LITTLE_ENDIAN) swap(blockBytes);
}

/**
 * `value` becomes the next chaining value.
 * @param {Uint32Array} value @param {number} counter @param {number} size @param {number} flags
 */
function compress(value, counter, size, flags) {
  const s = state;
  s.set(value);
  s.set(IV.subarray(0, 4), 8);
  s[12] = counter;
  s[13] = counter / 0x1_0000_0000;
  s[14] = size;
  s[15] = flags;
  for (let at = 0; at < SCHEDULE.length; at += 16) {
    mix(0, 4, 8, 12, at);
    mix(1, 5, 9, 13, at + 2);
    mix(2, 6, 10, 14, at + 4);
    mix(3, 7, 11, 15, at + 6);
    mix(0, 5, 10, 15, at + 8);
    mix(1, 6, 11, 12, at + 10);
    mix(2, 7, 8, 13, at + 12);
    mix(3, 4, 9, 14, at + 14);
  }
  for (let word = 0; word < 8; word += 1) value[word] = s[word] ^ s[word + 8];
}

/** @param {number} a @param {number} b @param {number} c @param {number} d @param {number} at */
function mix(a, b, c, d, at) {
  const s = state;
  let [va, vb, vc, vd] = [s[a] | 0, s[b] | 0, s[c] | 0, s[d] | 0];
  va = (va + vb + block[SCHEDULE[at]]) | 0;
  vd = rotated(vd ^ va, 16);
  vc = (vc + vd) | 0;
  vb = rotated(vb ^ vc, 12);
  va = (va + vb + block[SCHEDULE[at + 1]]) | 0;
  vd = rotated(vd ^ va, 8);
  vc = (vc + vd) | 0;
  vb = rotated(vb ^ vc, 7);
  s[a] = va;
  s[b] = vb;
  s[c] = vc;
  s[d] = vd;
}

/** @param {number} value @param {number} bits */
function rotated(value, bits) {
  return (value >>> bits) | (value << (32 - bits));
}

function schedule() {
  const order = new Uint8Array(7 * 16);
  for (let at = 0; at < order.length; at += 1) {
    order[at] = at < 16 ? at : order[at - 16 - (at % 16) + PERMUTATION[at % 16]];
  }
  return order;
}

/** @param {Uint8Array} bytes */
function swap(bytes) {
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
}

/** @param {Uint32Array} words */
function hex(words) {
  const bytes = new Uint8Array(words.buffer);
  if (!LITTLE_ENDIAN) swap(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
