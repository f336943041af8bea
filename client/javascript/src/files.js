// Files and programs in chunks, both ways; the hash is checked before anybody sees a file.

import { blake3 } from "./blake3.js";
import { CHUNK_BYTES, FILE_BYTES_MAX } from "./limits.js";

/** A whole file from a process: its bytes, and the name it suggested (null: none). */
export class ReceivedFile {
  /** @param {Uint8Array<ArrayBuffer>} data @param {string | null} name */
  constructor(data, name) {
    this.data = data;
    this.name = name;
  }

  /** The name without folders and control characters: safe to join to a folder. */
  fileName(fallback = "file.bin") {
    const last = (this.name ?? "").replaceAll("\\", "/").split("/").at(-1) ?? "";
    const clean = last.replace(/\p{C}/gu, "").trim().slice(0, 100);
    return ["", ".", ".."].includes(clean) ? fallback : clean;
  }
}

/**
 * @param {Uint8Array} data
 * @returns {Generator<{ chunk_index: number, total_chunks: number, chunk_data: Uint8Array }>} an empty one is one empty chunk
 */
export function* chunks(data) {
  const total = Math.max(1, Math.ceil(data.length / CHUNK_BYTES));
  for (let index = 0; index < total; index += 1) {
    yield { chunk_index: index, total_chunks: total, chunk_data: data.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES) };
  }
}

/** Puts one file together. */
export class Download {
  #hash;
  #name;
  #total;
  /** @type {Uint8Array[]} */
  #parts = [];
  #size = 0;

  /** @param {string} hash @param {string | null} name @param {number} total */
  constructor(hash, name, total) {
    this.#hash = hash;
    this.#name = name;
    this.#total = total;
  }

  /**
   * @param {number} index @param {number} total @param {Uint8Array} data
   * @returns {ReceivedFile | null} the file after its last chunk
   * @throws {RangeError} the download is then over
   */
  add(index, total, data) {
    if (total !== this.#total || index !== this.#parts.length) throw new RangeError("chunks out of order");
    this.#size += data.length;
    if (this.#size > FILE_BYTES_MAX) throw new RangeError(`a file larger than ${FILE_BYTES_MAX} bytes`);
    this.#parts.push(data);
    return this.#parts.length === this.#total ? this.#whole() : null;
  }

  #whole() {
    const data = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      data.set(part, at);
      at += part.length;
    }
    if (blake3(data) !== this.#hash) throw new RangeError(`a file whose hash is not ${this.#hash}`);
    return new ReceivedFile(data, this.#name);
  }
}
