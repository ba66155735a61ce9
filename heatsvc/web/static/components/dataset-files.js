// Files that were dropped or chosen, and the forms of POST /annotation and /annotation/inspect that are made of them.

/** Bytes of keypoint files that an inspection is sent; of the files beyond, it is sent the names. */
export const SAMPLE_BYTES = 16e6;
/** The largest archive, table or pickle that an inspection is sent; a larger one is read by the build. */
export const MOST_BYTES = 64e6;

const HOLDS_MANY = /\.(zip|tar|tgz|tbz2?|txz|tar\.\w+|pkl|pickle|xlsx)$/i;

/** All files of a drop, those in folders with their relative paths: [{name, file}]. */
export async function droppedFiles(transfer) {
  // The list is empty as soon as the event has been handled: all entries are taken before the first is read.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const found = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  return (await Promise.all(found.map((each) => (each instanceof File ? [{ name: each.name, file: each }] : filesBelow(each, ""))))).flat();
}

async function filesBelow(entry, folder) {
  const name = folder + entry.name;
  if (entry.isFile) return [{ name, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A hundred at a time, until there are none (W3C File and Directory Entries API, section 7.4).
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return found;
    for (const each of entries) found.push(...(await filesBelow(each, `${name}/`)));
  }
}

/** The files of an input, with relative paths where a folder was chosen. */
export const chosenFiles = (input) => [...input.files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));

/** Files without those that a system leaves in folders, videos and pictures: {kept, left}. */
export function withoutOthers(files) {
  const isOther = ({ name, file }) => /(^|\/)(\.|__MACOSX\/|Thumbs\.db$)/.test(name) || /^(video|image)\//.test(file.type ?? "");
  return { kept: files.filter((each) => !isOther(each)), left: files.filter(isOther).length };
}

/** What an inspection is sent of keypoint files: {files, unread}. Files beyond the limit are without bytes; archives are
 * whole, or are counted by `unread`. */
export function sampleOf(files, limit = SAMPLE_BYTES, most = MOST_BYTES) {
  const sent = [];
  let size = 0;
  let unread = 0;
  for (const { name, file } of files) {
    if (HOLDS_MANY.test(name)) {
      if (file.size <= most) sent.push({ name, file });
      else unread++;
    } else {
      const isRead = size + file.size <= limit;
      if (isRead) size += file.size;
      sent.push({ name, file: isRead ? file : new Blob([]) });
    }
  }
  return { files: sent, unread };
}

/** The body of a request: files by part, and the options that are not as by default. */
export function formOf(parts, options) {
  const form = new FormData();
  // The options are first: what is wrong with them is said before gigabytes are sent.
  if (Object.keys(options).length) form.append("options", JSON.stringify(options));
  for (const [part, files] of Object.entries(parts)) for (const { name, file } of files) form.append(part, file, name);
  return form;
}

/** How a build goes: {part, rate, left}: 0 to 1 where that is known, files per second, seconds. */
export function paceOf({ files_read: read, files, seconds, seconds_left: left }) {
  return { part: files ? read / files : null, rate: read && seconds > 0 ? read / seconds : null, left: left ?? null };
}

/** A message in parts: texts, and {file, row, text} for each row of one of these files that it names. */
export function rowsIn(message, names) {
  if (!names.length) return [message];
  const escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(${escaped.join("|")})(?:, sheet [^,]{1,80})?, row (\\d+)`, "g");
  const parts = [];
  let end = 0;
  for (const found of message.matchAll(pattern)) {
    if (found.index > end) parts.push(message.slice(end, found.index));
    parts.push({ text: found[0], file: found[1], row: Number(found[2]) });
    end = found.index + found[0].length;
  }
  if (end < message.length) parts.push(message.slice(end));
  return parts;
}

/** Lines of a text around a row, counted from 1: [{row, text, isMeant}]. */
export function linesAround(text, row, around = 1) {
  const lines = text.split(/\r\n|\r|\n/);
  const first = Math.max(1, row - around);
  return lines.slice(first - 1, row + around).map((line, i) => ({ row: first + i, text: line, isMeant: first + i === row }));
}
