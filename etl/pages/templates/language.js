"use strict";
(() => {
  const root = document.documentElement;
  const buttons = document.querySelectorAll("[data-language]");
  const remembered = () => { try { return localStorage.getItem("registry-language"); } catch { return null; } };
  const remember = (language) => { try { localStorage.setItem("registry-language", language); } catch { /* a page may be read where nothing can be stored */ } };
  const show = (language) => {
    if (language === "both") { delete root.dataset.lang; } else { root.dataset.lang = language; }
    root.lang = language === "zh" ? "zh" : "en";
    for (const button of buttons) { button.setAttribute("aria-pressed", String(button.dataset.language === language)); }
    document.dispatchEvent(new CustomEvent("languagechange-page", { detail: language }));
  };
  const fallback = navigator.language.startsWith("zh") ? "zh" : "en";
  const opening = root.dataset.opening === "both" ? fallback : root.dataset.opening;
  for (const button of buttons) {
    button.addEventListener("click", () => { show(button.dataset.language); remember(button.dataset.language); });
  }
  document.querySelector(".languages").hidden = false;
  show(remembered() ?? opening);
})();
