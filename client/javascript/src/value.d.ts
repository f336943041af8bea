/** What MessagePack carries here. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | { [key: string]: Value | undefined };
