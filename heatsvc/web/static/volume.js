// A heatmap volume as it came: its axes, its pixels, and what is shown of them.
import { parseNpy, valueOf } from "./npy.js";

export class Volume {
  /** From the bytes of an .npy file, and the sides of its maps: [T, K, H, W], [clips, K, T, H, W] or, of PoTion, [clips, H, W, C]. */
  constructor(buffer, height, width) {
    Object.assign(this, parseNpy(buffer), { height, width, step: 1, clips: 1 });
    const { shape } = this;
    const size = height * width;
    if (shape.length === 5) {
      const [clips, channels, length] = shape;
      Object.assign(this, { clips, channels, frames: clips * length });
      this.offset = (frame, channel) => ((Math.floor(frame / length) * channels + channel) * length + (frame % length)) * size;
    } else if (shape[2] === height && shape[3] === width) {
      [this.frames, this.channels] = shape;
      this.offset = (frame, channel) => (frame * shape[1] + channel) * size;
    } else {
      [this.frames, , , this.channels] = shape;
      this.step = this.channels;
      this.offset = (frame, channel) => frame * size * this.channels + channel;
    }
    this.best = new this.data.constructor(size);
    this.which = new Int16Array(size);
  }

  /** Frames of each of its clips. */
  get length() {
    return this.frames / this.clips;
  }

  /** Of each pixel of a frame the largest raw number over these channels (`best`), and which has it (`which`, else -1). */
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

  /** What the composed frame has at a pixel: {value, channel}; the channel is -1 where all are zero. */
  at(x, y) {
    const pixel = y * this.width + x;
    return { value: valueOf(this.dtype, this.best[pixel]), channel: this.which[pixel] };
  }

  /** The largest value of a channel in a frame, and its pixel. */
  peak(frame, channel) {
    let [best, found] = [0, 0];
    const first = this.offset(frame, channel);
    for (let pixel = 0; pixel < this.best.length; pixel++) {
      const raw = this.data[first + pixel * this.step];
      if (raw > best) [best, found] = [raw, pixel];
    }
    return { value: valueOf(this.dtype, best), x: found % this.width, y: Math.floor(found / this.width) };
  }
}
