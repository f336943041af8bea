import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import test from "node:test";

import { KeyRefusedError, PrivateKey } from "../src/index.js";

const data = new TextEncoder().encode("challenge");
const pem = { privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } };
const kinds = {
  Ed25519: [generateKeyPairSync("ed25519", pem), null],
  RSA: [generateKeyPairSync("rsa", { modulusLength: 2048, ...pem }), "sha256"],
  "P-256": [generateKeyPairSync("ec", { namedCurve: "P-256", ...pem }), "sha256"],
  "P-384": [generateKeyPairSync("ec", { namedCurve: "P-384", ...pem }), "sha384"],
};

for (const [name, [{ privateKey, publicKey }, hash]] of Object.entries(kinds)) {
  test(`${name} signs as engines verify it`, async () => {
    const key = await PrivateKey.parse(privateKey);
    for (let round = 0; round < 20; round += 1) assert.ok(verify(hash, data, createPublicKey(publicKey), await key.sign(data)));
  });
}

/** Made by ssh-keygen for this test. */
const OPENSSH = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCFu9a+tcfgewjD8gZc2CmvhB1MlKtehLGeZ/SZRw2UKgAAAIj9AkQn/QJE
JwAAAAtzc2gtZWQyNTUxOQAAACCFu9a+tcfgewjD8gZc2CmvhB1MlKtehLGeZ/SZRw2UKg
AAAEBIoEdOCE1HdGUagINhOfdwwQjfR9M2AmZLD8sqzLRvcoW71r61x+B7CMPyBlzYKa+E
HUyUq16EsZ5n9JlHDZQqAAAABHRlc3QB
-----END OPENSSH PRIVATE KEY-----
`;
const OPENSSH_PUBLIC = "AAAAC3NzaC1lZDI1NTE5AAAAIIW71r61x+B7CMPyBlzYKa+EHUyUq16EsZ5n9JlHDZQq";

test("an OpenSSH file with an Ed25519 key is read", async () => {
  const blob = Buffer.from(OPENSSH_PUBLIC, "base64");
  const jwk = { kty: "OKP", crv: "Ed25519", x: blob.subarray(-32).toString("base64url") };
  const key = await PrivateKey.parse(OPENSSH);
  assert.ok(verify(null, data, createPublicKey({ key: jwk, format: "jwk" }), await key.sign(data)));
});

const weak = generateKeyPairSync("rsa", { modulusLength: 1024, ...pem }).privateKey;
const other = generateKeyPairSync("ec", { namedCurve: "secp521r1", ...pem }).privateKey;
const locked = generateKeyPairSync("ed25519", {
  ...pem, privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" },
}).privateKey;
const bad = { "too weak": weak, "not supported": other, passphrase: locked, "no private key": "ssh-ed25519 AAAA", damaged: OPENSSH.replace(/\n.{60}/, "\nAAAA") };

for (const [problem, text] of Object.entries(bad)) {
  test(`a key is refused: ${problem}`, async () => {
    await assert.rejects(PrivateKey.parse(text), KeyRefusedError);
  });
}
