// Generates src/api/schema.ts from the server's OpenAPI document.
//   node scripts/generate.mjs           writes it
//   node scripts/generate.mjs --check   fails if the committed file differs
// OPENAPI names another document, for example that of a server under development.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = process.env.OPENAPI ?? here('../../docs/openapi.json');
const target = here('../src/api/schema.ts');

const header = '// Generated from docs/openapi.json by `npm run generate`; not edited by hand.\n\n';
const text = header + astToString(await openapiTS(pathToFileURL(source), { alphabetize: true }));

if (process.argv.includes('--check')) {
  const committed = await readFile(target, 'utf8').catch(() => '');
  if (committed !== text) {
    console.error('src/api/schema.ts does not match docs/openapi.json: run `npm run generate` and commit the result.');
    process.exit(1);
  }
} else {
  await writeFile(target, text);
}
