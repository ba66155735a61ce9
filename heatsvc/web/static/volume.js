// Volume: the pixels of a heatmap volume, and the frame that is shown.
import { parseNpy } from "./npy.js";

export class Volume {
  /** `buffer` is an .npy file with the axes [T, K, H, W], [clips, K, T, H, W] or, for PoTion, [clips, H, W, C];
   * `height` and `width` are those of a map. */
  constructor(buffer, height, width) {
    Object.assign(this, parseNpy(buffer), { height, width });
    const { shape, dtype, data } = this;
    const size = height * width;
    const isLast = shape.length === 4 && (shape[2] !== height || shape[3] !== width);
    const [outer, channels, length] = isLast ? [shape[0], shape[3], 1] : [...shape.slice(0, -2), 1];
    Object.assign(this, { channels, length, frames: outer * length, clips: shape.length === 5 ? outer : 1 });
    this.step = isLast ? channels : 1;
    this.unit = dtype === "uint8" ? 255 : 1; // pixel value that stands for 1
    this.offset = isLast
      ? (frame, channel) => frame * size * channels + channel
      : (frame, channel) => ((Math.floor(frame / length) * channels + channel) * length + (frame % length)) * size;
    this.best = new data.constructor(size);
    this.which = new Int16Array(size);
  }

  /** Compute `best`, the largest value of each pixel over some channels, and `which`, its channel, -1 for zero. */
  compose(frame, channels) {
    const { data, best, which, step } = this;
    best.fill(0);
    which.fill(-1);
    for (const channel of channels) {
      let at = this.offset(frame, channel);
      for (let pixel = 0; pixel < best.length; pixel++, at += step)
        if (data[at] > best[pixel]) {
          best[pixel] = data[at];
          which[pixel] = channel;
        }
    }
  }

  /** The pixel of the composed frame: {value, channel}; the channel is -1 if all are zero. */
  at(x, y) {
    const pixel = y * this.width + x;
    return { value: this.best[pixel] / this.unit, channel: this.which[pixel] };
  }

  /** The largest value of a channel in a frame: {value, x, y}. */
  peak(frame, channel) {
    let [best, found] = [0, 0];
    const first = this.offset(frame, channel);
    for (let pixel = 0; pixel < this.best.length; pixel++) {
      const raw = this.data[first + pixel * this.step];
      if (raw > best) [best, found] = [raw, pixel];
    }
    return { value: best / this.unit, x: found % this.width, y: Math.floor(found / this.width) };
  }
}
