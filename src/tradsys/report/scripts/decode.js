// Packed arrays back into typed arrays; see packing.py.

const TYPES = { Float32Array, Float64Array, Int32Array, Int8Array };

function unpack(packed) {
  const text = atob(packed.base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[packed.type](bytes.buffer);
}

function unpackTimes(packed) {
  return Float64Array.from(unpack(packed.steps), (step) => packed.first_s + step * packed.step_s);
}

// The first index whose value is at least x, in a sorted array.
function lowerBound(values, x) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
