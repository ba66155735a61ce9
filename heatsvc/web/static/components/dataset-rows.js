// Shows the rows of labels and splits that problems and faults name.
import { h } from "../dom.js";
import { linesAround, linesOf, rowsIn } from "../rows.js";
import { t } from "../strings.js";

const TEXT_BYTES = 32e6;
/** Names on the web of Python's encodings, for those that labels usually have. */
const ENCODINGS = { "utf-8-sig": "utf-8", cp949: "euc-kr", johab: "euc-kr" };

/** The text of a file; null for a workbook, an archive, or a large file. */
async function readText({ name, file }, encoding) {
  if (file.size > TEXT_BYTES || /\.(xlsx|zip|tar|t?gz)$/i.test(name)) return null;
  let decoder = new TextDecoder();
  try {
    decoder = new TextDecoder(ENCODINGS[encoding] ?? encoding);
  } catch {
    // The browser does not know the encoding: rows are found, but some letters are wrong.
  }
  return decoder.decode(await file.arrayBuffer());
}

function showLines(place, name, lines, otherwise) {
  place.querySelector(".rows")?.remove();
  const code = ({ row, text, isMeant }) => h(isMeant ? "code.is-meant" : "code", h("i", row), ` ${text.slice(0, 300)}`);
  const shown = lines.map(code);
  place.append(h("div.rows", h("span.hint", shown.length ? name : otherwise), shown));
}

/** Finds rows in files, and shows them. */
export class RowFinder {
  /** `files`: [{name, file}]; `encodingOf`: a function from a name to an encoding. */
  constructor(files, encodingOf) {
    Object.assign(this, { files, encodingOf });
  }

  /** An element with the text of a problem, in which names of rows are buttons that show the row. */
  problem({ detail, message }) {
    const parts = rowsIn(detail ?? message ?? "", this.files.map(({ name }) => name));
    const button = ({ text, file, row }) => h("button.link", { onclick: () => this.show(line, file, row) }, text);
    const line = h("div.problem", { role: "alert" }, h("p", parts.map((part) => (part.text ? button(part) : part))));
    return line;
  }

  async show(place, name, row) {
    const text = await readText(this.files.find((each) => each.name === name), this.encodingOf(name));
    showLines(place, name, text === null ? [] : linesAround(text, row), t("dataset.row.workbook", { row }));
  }

  /** Show the first row that names a video. */
  async find(place, video) {
    for (const each of this.files) {
      const text = await readText(each, this.encodingOf(each.name));
      const at = text?.indexOf(video) ?? -1;
      if (at >= 0) return showLines(place, each.name, linesAround(text, linesOf(text.slice(0, at)).length));
    }
    showLines(place, "", [], t("dataset.row.none"));
  }
}
