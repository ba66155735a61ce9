// .npy files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

const TYPES = { "<f4": ["float32", Float32Array], "<f2": ["float16", Uint16Array], "|u1": ["uint8", Uint8Array], "<i2": ["int16", Int16Array] };

/** An array: {dtype, shape, data}. float16 is left as its 16 bits, which are in order where no number is negative. */
export function parseNpy(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 10 || view.getUint32(0) !== 0x934e554d || view.getUint16(4) !== 0x5059) throw new Error("no .npy file");
  const isLong = view.getUint8(6) > 1;
  const start = isLong ? 12 : 10;
  const end = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(new Uint8Array(buffer, start, end - start));
  const [dtype, Data] = TYPES[/'descr': *'([^']+)'/.exec(header)?.[1]] ?? [];
  const shape = /'shape': *\(([^)]*)\)/.exec(header)?.[1].match(/\d+/g)?.map(Number);
  if (!dtype || !shape || /'fortran_order': *True/.test(header)) throw new Error(`an .npy file of another kind: ${header}`);
  return { dtype, shape, data: new Data(buffer, end, shape.reduce((a, b) => a * b, 1)) };
}

/** The number that 16 bits are (IEEE 754 binary16). */
export function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}

let halves;
/** What a raw number of that type is: of uint8 its 255th. */
export function valueOf(dtype, raw) {
  if (dtype === "uint8") return raw / 255;
  if (dtype !== "float16") return raw;
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => halfToNumber(bits));
  return halves[raw];
}
