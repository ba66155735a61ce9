// Files that were dropped or chosen, as [{name, file}], and forms of them.

/** Bytes of keypoint files that are sent for an inspection; further files are sent without content. */
export const SAMPLE_BYTES = 16e6;
/** Size of the largest archive, table or pickle that is sent for an inspection. */
export const MOST_BYTES = 64e6;

const HOLDS_MANY = /\.(zip|tar|tgz|tbz2?|txz|tar\.\w+|pkl|pickle|xlsx)$/i;

/** All files that were dropped, including those in folders, with relative paths. */
export async function droppedFiles(transfer) {
  // The list is emptied after the event: get all entries before reading the first.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const found = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const read = (each) => (each instanceof File ? { name: each.name, file: each } : filesOf(each));
  return (await Promise.all(found.map(read))).flat();
}

async function filesOf(entry) {
  const called = (method) => new Promise((resolve, reject) => method(resolve, reject));
  if (entry.isFile) return { name: entry.fullPath.slice(1), file: await called(entry.file.bind(entry)) };
  const reader = entry.createReader();
  const found = [];
  // A hundred at a time, until there are none (W3C File and Directory Entries API, section 7.4).
  for (let some; (some = await called(reader.readEntries.bind(reader))).length; )
    for (const each of some) found.push(await filesOf(each));
  return found.flat();
}

/** The files of an input, with relative paths where a folder was chosen. */
export const chosenFiles = ({ files }) =>
  [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));

/** The size of some files in bytes. */
export const sizeOf = (files) => files.reduce((sum, { file }) => sum + file.size, 0);

/** Files without hidden ones and those of macOS and Windows. */
export const withoutHidden = (files) => files.filter(({ name }) => !/(^|\/)(\.|__MACOSX\/|Thumbs\.db$)/.test(name));

/** Files without hidden ones, videos and pictures: {kept, left}. */
export function withoutOthers(files) {
  const kept = withoutHidden(files).filter(({ file }) => !/^(video|image)\//.test(file.type ?? ""));
  return { kept, left: files.length - kept.length };
}

/** The keypoint files that are sent for an inspection: {files, unread}. Files beyond the limit have no content. Larger
 * archives are left out; `unread` is their number. */
export function sampleOf(files, limit = SAMPLE_BYTES, most = MOST_BYTES) {
  const isMany = ({ name }) => HOLDS_MANY.test(name);
  const sent = files.filter((each) => !isMany(each) || each.file.size <= most);
  let size = 0;
  const sample = sent.map((each) => {
    if (isMany(each)) return each;
    if (size + each.file.size > limit) return { ...each, file: new Blob([]) };
    size += each.file.size;
    return each;
  });
  return { files: sample, unread: files.length - sent.length };
}

/** The form of a request: options, and files by part. The options come first, so that invalid ones are refused before
 * gigabytes are sent. */
export function formOf(parts, options) {
  const form = new FormData();
  if (Object.keys(options).length) form.append("options", JSON.stringify(options));
  for (const [part, files] of Object.entries(parts)) for (const { name, file } of files) form.append(part, file, name);
  return form;
}
