"use strict";
(async () => {
  const table = document.getElementById("finding-table");
  if (!table) { return; }
  const written = document.getElementById("finding-data").textContent;
  // Many findings come compressed; a browser too old for that keeps the hint that points to the workbook.
  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  const data = JSON.parse(written.startsWith("{") ? written : await unpack(written));
  const find = (id) => document.getElementById("finding-" + id);
  const PAGE = matchMedia("(max-width: 600px)").matches ? 25 : 100;
  const NOTHING = "–";
  const ALL = ["all", "全部"];

  const bilingual = (parent, en, zh) => {
    if (en === zh) { parent.append(en); return parent; }
    for (const [language, text] of [["en", en], ["zh", zh]]) {
      const span = document.createElement("span");
      span.className = language; span.lang = language; span.textContent = text;
      parent.append(span);
    }
    return parent;
  };
  const placeName = ([file, sheet]) => sheet === null ? file : file + " › " + sheet;
  const tag = (cell, [name, en, zh], style) => {
    const span = document.createElement("span");
    if (style) { span.className = "tag " + name; }
    cell.append(bilingual(span, en, zh));
  };

  // One entry per column: heading, what it sorts by, and how a cell is filled. Cells get text, never markup.
  const columns = [
    { en: "No.", zh: "序号", key: (i) => i, fill: (cell, i) => {
      const link = cell.appendChild(document.createElement("a"));
      link.href = "#finding=" + data.id[i];
      link.title = "Link to this finding / 本条链接";
      link.append(i + 1);
    }, numeric: true },
    { en: "Kind", zh: "类别", key: (i) => data.severity[i], fill: (cell, i) => tag(cell, data.severities[data.severity[i]], true) },
    { en: "File and sheet", zh: "文件和工作表", key: (i) => data.place[i], fill: (cell, i) => cell.append(placeName(data.places[data.place[i]])) },
    { en: "Row", zh: "行号", key: (i) => data.row[i] ?? -1, fill: (cell, i) => cell.append(data.row[i] ?? NOTHING), numeric: true },
    { en: "Column", zh: "列名", key: (i) => data.columns[data.column[i]] ?? "", fill: (cell, i) => cell.append(data.columns[data.column[i]] ?? NOTHING) },
    { en: "Value", zh: "原值", key: (i) => data.value[i], fill: (cell, i) => cell.append(data.value[i] || NOTHING), style: "value" },
    { en: "What is asked", zh: "内容", key: (i) => data.messages[data.message[i]][0], fill: (cell, i) => bilingual(cell, ...data.messages[data.message[i]]), style: "asked" },
    { en: "Status", zh: "状态", key: (i) => data.status[i], fill: (cell, i) => {
      tag(cell, data.statuses[data.status[i]], false);
      const answer = data.answers[data.answer[i]];
      if (answer) { bilingual(cell.appendChild(document.createElement("div")), ...answer).className = "hint"; }
    } },
  ];

  const haystack = (i) => [
    data.id[i], "rule:" + data.rules[data.rule[i]] + ";", data.value[i], data.columns[data.column[i]], data.row[i], placeName(data.places[data.place[i]]),
    ...data.messages[data.message[i]], ...data.answers[data.answer[i]] ?? [],
  ].join("\u0001").toLowerCase();
  const haystacks = data.row.map(() => null);
  // The workbook prints a query's whole id, the page holds its beginning; `rule:x` means that rule and no longer name.
  const shorten = (word) => /^[0-9a-f]{16}$/.test(word) ? word.slice(0, data.id[0].length)
    : word.startsWith("rule:") ? word + ";" : word;
  const matches = (i, words) => {
    haystacks[i] ??= haystack(i);
    return words.every((word) => haystacks[i].includes(word));
  };

  const state = { column: 0, direction: 1, shown: PAGE, rows: [], found: "" };

  const select = () => {
    const words = find("search").value.toLowerCase().split(/\s+/).filter(Boolean).map(shorten);
    const is = (id, values, i) => find(id).value === "" || values[i] === Number(find(id).value);
    const { key } = columns[state.column];
    state.rows = data.row.map((_, i) => i).filter((i) =>
      is("severity", data.severity, i) && is("status", data.status, i) && is("place", data.place, i) && matches(i, words));
    const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
    if (state.column !== 0 || state.direction !== 1) {
      const keys = new Map(state.rows.map((i) => [i, key(i)]));
      state.rows.sort((a, b) => state.direction * compare(keys.get(a), keys.get(b)) || a - b);
    }
    state.shown = PAGE;
    show();
  };
  const collator = new Intl.Collator(["en", "zh"], { numeric: true });

  const makeRow = (i) => {
    const row = document.createElement("tr");
    if (data.id[i] === state.found) { row.className = "found"; row.tabIndex = -1; }
    for (const column of columns) {
      const cell = row.insertCell();
      cell.dataset.en = column.en; cell.dataset.zh = column.zh;
      cell.className = column.numeric ? "num" : column.style ?? "";
      const content = document.createElement("div");
      column.fill(content, i);
      if (content.textContent === NOTHING) { cell.classList.add("empty"); }
      cell.append(content);
    }
    return row;
  };

  const show = () => {
    const body = table.tBodies[0];
    const already = state.shown === PAGE ? 0 : body.rows.length;
    if (already === 0) { body.replaceChildren(); }
    body.append(...state.rows.slice(already, state.shown).map(makeRow));
    tell();
    table.querySelectorAll("th").forEach((heading, index) => {
      const order = state.direction === 1 ? "ascending" : "descending";
      heading.setAttribute("aria-sort", index === state.column ? order : "none");
    });
  };

  const tell = () => {
    const visible = Math.min(state.shown, state.rows.length);
    const n = (count) => count.toLocaleString("en");
    const line = find("count");
    line.replaceChildren();
    bilingual(line, `Showing ${n(visible)} of ${n(state.rows.length)} (${n(data.row.length)} in all)`,
      `显示 ${n(visible)} 条，筛选出 ${n(state.rows.length)} 条（共 ${n(data.row.length)} 条）`);
    find("more").hidden = visible >= state.rows.length;
  };

  const offer = (id, labels) => {
    const list = find(id);
    const add = (value, en, zh) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = en === zh ? en : `${en} / ${zh}`;
      list.append(option);
    };
    add("", ...ALL);
    labels.forEach(([value, en, zh]) => add(value, en, zh));
    list.addEventListener("change", select);
  };
  const used = (labels, values) => labels.map(([, en, zh], index) => [index, en, zh]).filter(([index]) => values.includes(index));
  offer("severity", used(data.severities, data.severity));
  offer("status", used(data.statuses, data.status));
  offer("place", data.places.map((place, index) => [index, placeName(place), placeName(place)]));

  columns.forEach((column, index) => {
    const heading = document.createElement("th");
    const button = document.createElement("button");
    button.type = "button";
    heading.scope = "col";
    button.addEventListener("click", () => {
      state.direction = state.column === index ? -state.direction : 1;
      state.column = index;
      select();
    });
    heading.append(bilingual(button, column.en, column.zh));
    table.tHead.rows[0].append(heading);
  });

  // #finding=<id> shows one finding alone, #rule=<id> those of one rule: links that can be sent to somebody.
  const follow = () => {
    const [, kind, wanted] = /^#(finding|rule)=([\w.]+)$/.exec(location.hash) ?? [];
    state.found = kind === "finding" ? shorten(wanted) : "";
    const known = kind === "finding" ? data.id.includes(state.found) : data.rules.includes(wanted);
    if (!kind) { return; }
    for (const id of ["severity", "status", "place"]) { find(id).value = ""; }
    find("search").value = state.found || "rule:" + wanted;
    select();
    if (!known) {
      find("count").replaceChildren();
      bilingual(find("count"), "This finding is no longer open, or the link is incomplete.", "该问题已消除，或链接不完整。");
    }
    (table.querySelector("tr.found") ?? find("search")).focus({ preventScroll: true });
    find("count").scrollIntoView();
  };
  addEventListener("hashchange", follow);

  // On paper: everything that was chosen, up to a thousand lines, and what is folded away.
  const PRINTED = 1000;
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not([open])").forEach((part) => { part.open = true; part.dataset.closed = ""; });
    state.before = state.shown;
    state.shown = PRINTED;
    table.tBodies[0].replaceChildren(...state.rows.slice(0, PRINTED).map(makeRow));
    tell();
  });
  addEventListener("afterprint", () => {
    document.querySelectorAll("details[data-closed]").forEach((part) => { part.open = false; delete part.dataset.closed; });
    state.shown = state.before;
    table.tBodies[0].replaceChildren(...state.rows.slice(0, state.shown).map(makeRow));
    tell();
  });

  let waiting = 0;
  find("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(select, 120); });
  find("more").addEventListener("click", () => { state.shown += PAGE; show(); });
  find("controls").hidden = false;
  table.hidden = false;
  select();
  follow();
})();
