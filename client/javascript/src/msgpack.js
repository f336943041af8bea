// MessagePack, as much of it as the protocol uses: null, booleans, numbers, strings, bytes, arrays, maps with string keys.

/** @typedef {import("./value.js").Value} Value */

const DEPTH_MAX = 64;
const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

/**
 * Keys whose value is undefined are left out.
 * @param {Value} value
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encode(value) {
  const writer = new Writer();
  writer.value(value);
  return writer.taken();
}

/**
 * @param {Uint8Array} bytes
 * @returns {Value}
 * @throws {RangeError | TypeError} if the bytes are not one value
 */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (!reader.ended) throw new RangeError("bytes after the value");
  return value;
}

class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;

  taken() {
    return this.#bytes.slice(0, this.#size);
  }

  /** @param {Value} value */
  value(value) {
    if (value === null) this.#put(0xc0);
    else if (typeof value === "boolean") this.#put(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#string(value);
    else if (value instanceof Uint8Array) this.#binary(value);
    else if (Array.isArray(value)) this.#array(value);
    else this.#map(value);
  }

  /** @param {number} value */
  #number(value) {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#put(0xcb);
      this.#view.setFloat64(this.#room(8), value);
    } else if (value >= 0 && value < 0x80) this.#put(value);
    else if (value < 0 && value >= -32) this.#put(value + 0x100);
    else if (value >= 0 && value <= 0xffffffff) {
      this.#put(0xce);
      this.#view.setUint32(this.#room(4), value);
    } else {
      this.#put(0xd3);
      this.#view.setBigInt64(this.#room(8), BigInt(value));
    }
  }

  /** @param {string} value */
  #string(value) {
    const bytes = utf8.encode(value);
    if (bytes.length < 32) this.#put(0xa0 + bytes.length);
    else this.#sized(0xd9, 0xda, 0xdb, bytes.length);
    this.#copy(bytes);
  }

  /** @param {Uint8Array} value */
  #binary(value) {
    this.#sized(0xc4, 0xc5, 0xc6, value.length);
    this.#copy(value);
  }

  /** @param {Value[]} value */
  #array(value) {
    if (value.length < 16) this.#put(0x90 + value.length);
    else this.#sized(null, 0xdc, 0xdd, value.length);
    for (const item of value) this.value(item);
  }

  /** @param {{ [key: string]: Value | undefined }} value */
  #map(value) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    if (entries.length < 16) this.#put(0x80 + entries.length);
    else this.#sized(null, 0xde, 0xdf, entries.length);
    for (const [key, item] of entries) {
      this.#string(key);
      this.value(/** @type {Value} */ (item));
    }
  }

  /**
   * @param {number | null} tag8 @param {number} tag16 @param {number} tag32
   * @param {number} size
   */
  #sized(tag8, tag16, tag32, size) {
    if (tag8 !== null && size <= 0xff) {
      this.#put(tag8);
      this.#put(size);
    } else if (size <= 0xffff) {
      this.#put(tag16);
      this.#view.setUint16(this.#room(2), size);
    } else {
      this.#put(tag32);
      this.#view.setUint32(this.#room(4), size);
    }
  }

  /** @param {number} byte */
  #put(byte) {
    const at = this.#room(1);
    this.#bytes[at] = byte;
  }

  /** @param {Uint8Array} bytes */
  #copy(bytes) {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** @param {number} size */
  #room(size) {
    const at = this.#size;
    this.#size += size;
    if (this.#size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#size, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

class Reader {
  #bytes;
  #view;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ended() {
    return this.#at === this.#bytes.length;
  }

  /**
   * @param {number} depth
   * @returns {Value}
   */
  value(depth) {
    if (depth > DEPTH_MAX) throw new RangeError("nested too deeply");
    const tag = this.#view.getUint8(this.#next(1));
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag - 0x80, depth);
    if (tag < 0xa0) return this.#array(tag - 0x90, depth);
    if (tag < 0xc0) return this.#string(tag - 0xa0);
    if (tag >= 0xe0) return tag - 0x100;
    return this.#tagged(tag, depth);
  }

  /**
   * @param {number} tag @param {number} depth
   * @returns {Value}
   */
  #tagged(tag, depth) {
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this.#binary(this.#u8());
      case 0xc5: return this.#binary(this.#u16());
      case 0xc6: return this.#binary(this.#u32());
      case 0xca: return this.#view.getFloat32(this.#next(4));
      case 0xcb: return this.#view.getFloat64(this.#next(8));
      case 0xcc: return this.#u8();
      case 0xcd: return this.#u16();
      case 0xce: return this.#u32();
      case 0xcf: return Number(this.#view.getBigUint64(this.#next(8)));
      case 0xd0: return this.#view.getInt8(this.#next(1));
      case 0xd1: return this.#view.getInt16(this.#next(2));
      case 0xd2: return this.#view.getInt32(this.#next(4));
      case 0xd3: return Number(this.#view.getBigInt64(this.#next(8)));
      case 0xd9: return this.#string(this.#u8());
      case 0xda: return this.#string(this.#u16());
      case 0xdb: return this.#string(this.#u32());
      case 0xdc: return this.#array(this.#u16(), depth);
      case 0xdd: return this.#array(this.#u32(), depth);
      case 0xde: return this.#map(this.#u16(), depth);
      case 0xdf: return this.#map(this.#u32(), depth);
      default: throw new TypeError(`tag 0x${tag.toString(16)} is not used here`);
    }
  }

  #u8() {
    return this.#view.getUint8(this.#next(1));
  }

  #u16() {
    return this.#view.getUint16(this.#next(2));
  }

  #u32() {
    return this.#view.getUint32(this.#next(4));
  }

  /** @param {number} size */
  #string(size) {
    const at = this.#next(size);
    return text.decode(this.#bytes.subarray(at, at + size));
  }

  /** @param {number} size */
  #binary(size) {
    const at = this.#next(size);
    return this.#bytes.slice(at, at + size);
  }

  /** @param {number} count @param {number} depth */
  #array(count, depth) {
    this.#expect(count);
    return Array.from({ length: count }, () => this.value(depth + 1));
  }

  /** @param {number} count @param {number} depth */
  #map(count, depth) {
    this.#expect(2 * count);
    /** @type {{ [key: string]: Value }} */
    const map = Object.create(null);
    for (let index = 0; index < count; index += 1) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw new TypeError("a key is not a string");
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  /** Every element takes a byte at least: what claims more than is there gets no memory. @param {number} count */
  #expect(count) {
    if (count > this.#bytes.length - this.#at) throw new RangeError("the bytes end too early");
  }

  /** @param {number} size */
  #next(size) {
    const at = this.#at;
    if (size > this.#bytes.length - at) throw new RangeError("the bytes end too early");
    this.#at += size;
    return at;
  }
}
