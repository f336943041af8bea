// Private keys that prove who a user is: Ed25519, RSA of 2048 bits or more, ECDSA on P-256 or P-384. WebCrypto does the work.

import { KeyRefusedError } from "./errors.js";

const FORMATS = "a PEM private key (PKCS#8: Ed25519, RSA, ECDSA on P-256 or P-384) or an OpenSSH one (Ed25519)";
const RSA_BITS_MIN = 2048;

/** Object identifiers in DER, and what WebCrypto calls the algorithm. */
const ED25519 = [0x06, 0x03, 0x2b, 0x65, 0x70];
const RSA = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const P256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384 = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/** What a PKCS#8 file of an Ed25519 key has before its 32 bytes. */
const ED25519_HEAD = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, ...ED25519, 0x04, 0x22, 0x04, 0x20];
/** How far into a PKCS#8 file the algorithm is named. */
const ALGORITHM_WITHIN = 64;

/**
 * @typedef {object} Kind
 * @property {Algorithm | RsaHashedImportParams | EcKeyImportParams} load
 * @property {Algorithm | EcdsaParams} sign
 * @property {(signature: Uint8Array) => Uint8Array} wrap From what WebCrypto makes to what engines verify.
 */

/** @type {[number[], Kind][]} */
const KINDS = [
  [ED25519, { load: { name: "Ed25519" }, sign: { name: "Ed25519" }, wrap: (signature) => signature }],
  [RSA, {
    load: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    sign: { name: "RSASSA-PKCS1-v1_5" },
    wrap: (signature) => signature,
  }],
  [P256, { load: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" }, wrap: der }],
  [P384, { load: { name: "ECDSA", namedCurve: "P-384" }, sign: { name: "ECDSA", hash: "SHA-384" }, wrap: der }],
];

export class PrivateKey {
  #key;
  #kind;

  /** @param {CryptoKey} key @param {Kind} kind */
  constructor(key, kind) {
    this.#key = key;
    this.#kind = kind;
  }

  /**
   * From the text of a key file without a passphrase.
   * @param {string} text
   * @returns {Promise<PrivateKey>}
   * @throws {KeyRefusedError}
   */
  static async parse(text) {
    const pkcs8 = bytesOf(text);
    const kind = kindOf(pkcs8);
    let key;
    try {
      key = await crypto.subtle.importKey("pkcs8", pkcs8, kind.load, false, ["sign"]);
    } catch (error) {
      throw new KeyRefusedError(`the key cannot be used here: ${reason(error)}`, { cause: error });
    }
    const bits = /** @type {RsaHashedKeyAlgorithm} */ (key.algorithm).modulusLength;
    if (bits < RSA_BITS_MIN) throw new KeyRefusedError(`RSA key is too weak: ${bits} bits; ${RSA_BITS_MIN} or more are needed`);
    return new PrivateKey(key, kind);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} data
   * @returns {Promise<Uint8Array>} as engines verify it: RSA as PKCS#1 v1.5 with SHA-256, ECDSA in DER
   */
  async sign(data) {
    return this.#kind.wrap(new Uint8Array(await crypto.subtle.sign(this.#kind.sign, this.#key, data)));
  }
}

/** @param {string} text */
function bytesOf(text) {
  const match = /-----BEGIN ([A-Z ]+)-----([\sA-Za-z0-9+/=]+)-----END \1-----/.exec(text);
  if (match === null) throw new KeyRefusedError(`no private key: expected ${FORMATS}`);
  const [, label = "", body = ""] = match;
  if (label === "ENCRYPTED PRIVATE KEY") throw new KeyRefusedError("the key is protected by a passphrase");
  const bytes = fromBase64(body.replace(/\s/g, ""));
  if (label === "PRIVATE KEY") return bytes;
  if (label === "OPENSSH PRIVATE KEY") return fromOpenSsh(bytes);
  throw new KeyRefusedError(`${label}: expected ${FORMATS}; \`openssl pkcs8 -topk8 -nocrypt\` makes one`);
}

/** @param {Uint8Array} pkcs8 */
function kindOf(pkcs8) {
  const head = pkcs8.subarray(0, ALGORITHM_WITHIN);
  const found = KINDS.find(([identifier]) => includes(head, identifier));
  if (found === undefined) throw new KeyRefusedError(`keys of this kind are not supported: expected ${FORMATS}`);
  return found[1];
}

/** @param {Uint8Array} bytes @param {number[]} part */
function includes(bytes, part) {
  for (let at = 0; at + part.length <= bytes.length; at += 1) {
    if (part.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}

/**
 * An OpenSSH file holds strings, each after its length: format, cipher, key derivation, its options; a count; the public key; the
 * private part: two check numbers, then kind, public key, private key.
 * @param {Uint8Array} bytes
 */
function fromOpenSsh(bytes) {
  const magic = "openssh-key-v1\0";
  try {
    const outer = new Strings(bytes.subarray(magic.length));
    if (outer.text() !== "none") throw new KeyRefusedError("the key is protected by a passphrase");
    outer.bytes();
    outer.bytes();
    outer.skip(4);
    outer.bytes();
    const inner = new Strings(outer.bytes());
    inner.skip(8);
    if (inner.text() !== "ssh-ed25519") throw new KeyRefusedError(`an OpenSSH key that is not Ed25519: expected ${FORMATS}`);
    inner.bytes();
    return Uint8Array.from([...ED25519_HEAD, ...inner.bytes().subarray(0, 32)]);
  } catch (error) {
    if (error instanceof KeyRefusedError) throw error;
    throw new KeyRefusedError("the OpenSSH key is damaged", { cause: error });
  }
}

class Strings {
  #view;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param {number} size */
  skip(size) {
    this.#at += size;
  }

  bytes() {
    const size = this.#view.getUint32(this.#at);
    const begin = this.#at + 4;
    this.#at = begin + size;
    if (this.#at > this.#view.byteLength) throw new RangeError("the bytes end too early");
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + begin, size);
  }

  text() {
    return new TextDecoder().decode(this.bytes());
  }
}

/**
 * Two numbers of equal length, one after the other, as a DER sequence of integers.
 * @param {Uint8Array} signature
 */
function der(signature) {
  const half = signature.length / 2;
  const body = [...integer(signature.subarray(0, half)), ...integer(signature.subarray(half))];
  return Uint8Array.from([0x30, ...(body.length < 0x80 ? [body.length] : [0x81, body.length]), ...body]);
}

/** @param {Uint8Array} bytes */
function integer(bytes) {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = [...bytes.subarray(first === -1 ? bytes.length - 1 : first)];
  if (digits[0] >= 0x80) digits.unshift(0);
  return [0x02, digits.length, ...digits];
}

/** @param {string} text */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message || error.name : String(error);
}
