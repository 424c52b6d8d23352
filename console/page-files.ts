// The page's files by path, ready to be served.

export type PageFile = { readonly type: string; readonly text: string };
/** `/index.html`, `/page.js`, `/page.css`, `/icon.svg`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const INDEX = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Millrace</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/page.css" />
    <script type="module" src="/page.js"></script>
  </head>
  <body>
    <div id="page"></div>
    <noscript>The console needs JavaScript. The same figures are at /api/jobs.</noscript>
  </body>
</html>
`;
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f5f6b"/><path d="M6 12c4 0 4-3 8-3s4 3 8 3 4-3 4-3M6 18c4 0 4-3 8-3s4 3 8 3 4-3 4-3M6 24c4 0 4-3 8-3s4 3 8 3 4-3 4-3" fill="none" stroke="#e8f4f2" stroke-width="2.2" stroke-linecap="round"/></svg>`;

/** All files, of the page's bundle. */
export function pageFiles(bundle: { readonly script: string; readonly style: string }): PageFiles {
  return new Map([
    ['/index.html', { type: 'text/html; charset=utf-8', text: INDEX }],
    ['/page.js', { type: 'text/javascript; charset=utf-8', text: bundle.script }],
    ['/page.css', { type: 'text/css; charset=utf-8', text: bundle.style }],
    ['/icon.svg', { type: 'image/svg+xml', text: ICON }],
  ]);
}
