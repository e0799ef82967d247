// A text of any length as lines and sections: where they begin, what is found where. Shows nothing.

const OPENING = 91;
const NEWLINE = "\n";
export const LONGEST_SHOWN = 5000;

export class Text {
  constructor(content, sectioned) {
    this.content = content;
    this.starts = [];
    this.sections = [];
    this.width = 0;
    for (let at = 0; at < content.length;) {
      if (sectioned && content.charCodeAt(at) === OPENING) this.sections.push(this.starts.length);
      this.starts.push(at);
      const newline = content.indexOf(NEWLINE, at);
      const end = newline < 0 ? content.length : newline;
      if (end - at > this.width) this.width = end - at;
      at = end + 1;
    }
  }

  get length() { return this.starts.length; }

  line(number) {
    const end = number + 1 < this.starts.length ? this.starts[number + 1] - 1 : this.content.length;
    const line = this.content.slice(this.starts[number], end);
    return line.endsWith(NEWLINE) ? line.slice(0, -1) : line;
  }

  lineAt(offset) { return lastUpTo(this.starts, offset); }

  // Position in `sections` of the section that a line belongs to; -1 before the first.
  sectionOf(number) { return lastUpTo(this.sections, number); }

  // The name of a section and the `type` in it, which tells the sections of pjsip.conf apart.
  section(index) {
    const first = this.sections[index];
    const until = Math.min(this.sections[index + 1] ?? this.length, first + 40);
    const name = /^\[([^\]]*)\]?/.exec(this.line(first))[1];
    for (let number = first + 1; number < until; number += 1) {
      const type = /^type\s*=>?\s*([\w-]+)/.exec(this.line(number));
      if (type) return { name, type: type[1] };
    }
    return { name, type: "" };
  }

  // Numbers of the lines that hold `wanted`, in small letters or capitals.
  find(wanted) {
    const found = [];
    const pattern = searched(wanted);
    for (let match = pattern.exec(this.content); match; match = pattern.exec(this.content)) {
      const line = this.lineAt(match.index);
      found.push(line);
      if (line + 1 >= this.length) break;
      pattern.lastIndex = this.starts[line + 1];
    }
    return found;
  }
}

export const searched = (wanted) => new RegExp(wanted.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "gi");

function lastUpTo(sorted, value) {
  let low = -1;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
