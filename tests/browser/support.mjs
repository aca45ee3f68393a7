// Starts Debian's Chromium and says which server is driven. No test lives here.
import { chromium } from 'playwright-core';

function need(name) {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: BASE_URL, USERNAME and PASSWORD name the server and a user of it`);
  return value;
}

export const BASE_URL = need('BASE_URL').replace(/\/$/, '');
export const USERNAME = need('USERNAME');
export const PASSWORD = need('PASSWORD');

/** How long a step may take, in ms: slow machines are no failures. */
const STEP_MS = 20_000;

// Everything that would speak to the world outside is off.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
  const context = await browser.newContext({ baseURL: BASE_URL, viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(STEP_MS);
  return { browser, context };
}

/** What the page should never do: throw, or break its own Content-Security-Policy. */
export function collectProblems(page) {
  const problems = [];
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    // A failed login is answered with 401, which the browser reports; everything else is ours.
    if (message.type() === 'error' && !message.text().includes('status of 401')) problems.push(message.text());
  });
  return problems;
}
