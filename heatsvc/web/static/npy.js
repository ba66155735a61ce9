// .npy files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

const { Float32Array, Float16Array, Uint8Array, Int16Array } = globalThis;
const TYPES = {
  "<f4": ["float32", Float32Array],
  "<f2": ["float16", Float16Array],
  "|u1": ["uint8", Uint8Array],
  "<i2": ["int16", Int16Array],
};

/** Parse an .npy file: {dtype, shape, data}. */
export function parseNpy(buffer) {
  const view = new DataView(buffer);
  const isNpy = buffer.byteLength >= 10 && view.getUint32(0) === 0x934e554d && view.getUint16(4) === 0x5059;
  if (!isNpy) throw new Error("no .npy file");
  const isLong = view.getUint8(6) > 1;
  const start = isLong ? 12 : 10;
  const end = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(new Uint8Array(buffer, start, end - start));
  const [dtype, Data] = TYPES[/'descr': *'([^']+)'/.exec(header)?.[1]] ?? [];
  const shape = /'shape': *\(([^)]*)\)/.exec(header)?.[1].match(/\d+/g)?.map(Number);
  if (!Data || !shape || /'fortran_order': *True/.test(header))
    throw new Error(`an .npy file of another kind: ${header}`);
  return { dtype, shape, data: new Data(buffer, end, shape.reduce((a, b) => a * b, 1)) };
}
