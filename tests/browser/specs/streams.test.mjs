// Live logs: long ones, in many windows, without a server, after the end of a session.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { ask, newContext, signIn, startBrowser, startProxy, triggerRun } from '../support.mjs';

describe('logs and their streams', () => {
  let browser;
  let context;
  const runs = [];

  before(async () => {
    ({ browser, context } = await startBrowser());
    await signIn(context);
  });
  after(async () => {
    for (const run of runs) await ask(context, 'PATCH', run.api, { state: 'failed' });
    await browser?.close();
  });

  const panelOf = (page) => page.getByRole('region', { name: /^Task / });
  const logOf = (page) => page.getByRole('log', { name: 'Task log' });
  /** The number of the last word that is shown; the log follows its end. */
  const lastWord = async (page) => Number((await logOf(page).getByText(/^word \d+$/).last().textContent()).slice(5));
  async function hearsMore(page) {
    const heard = await lastWord(page);
    await logOf(page).getByText(new RegExp(`^word (${heard + 2}|${heard + 3}|${heard + 4})$`)).first().waitFor();
  }
  async function talk() {
    const run = await triggerRun(context, 'talk');
    runs.push(run);
    return run;
  }

  test('shows a log of 150,000 lines to its end, and gives it as a file', async () => {
    const run = await triggerRun(context, 'long');
    const page = await context.newPage();
    await page.goto(`${run.page}?task=count`);
    await panelOf(page).getByRole('status', { name: 'State of the task' }).getByText('success').waitFor();
    await panelOf(page).getByText('150000 lines').waitFor();
    await logOf(page).getByText('150000', { exact: true }).last().waitFor();
    const coming = page.waitForEvent('download');
    await panelOf(page).getByRole('button', { name: 'Download log' }).click();
    const lines = (await readFile(await (await coming).path(), 'utf8')).trimEnd().split('\n');
    assert.equal(lines.length, 150_000);
    assert.match(lines.at(-1), / 150000$/);
    await page.close();
  });

  test('follows logs in five windows, and still shows another page', async () => {
    const run = await talk();
    const windows = await Promise.all([1, 2, 3, 4, 5].map(() => context.newPage()));
    for (const window of windows) await window.goto(`${run.page}?task=speak`);
    await Promise.all(windows.map((window) => logOf(window).getByText(/^word \d+$/).first().waitFor()));
    await Promise.all(windows.map(hearsMore));
    // Nothing is heard twice or lost where windows take turns.
    for (const window of windows) {
      const words = await logOf(window).getByText(/^word \d+$/).allTextContents();
      const first = Number(words[0].slice(5));
      assert.deepEqual(words, words.map((_, index) => `word ${first + index}`));
    }
    const other = await context.newPage();
    await other.goto('/pools');
    await other.getByRole('rowheader', { name: 'default_pool' }).waitFor();
    await Promise.all([...windows, other].map((window) => window.close()));
  });

  test('says that the server is away, and goes on where it was when it is back', async () => {
    const proxy = await startProxy();
    const away = await newContext(browser, { baseURL: proxy.url });
    await signIn(away);
    const run = await talk();
    const page = await away.newPage();
    await page.goto(`${run.page}?task=speak`);
    await panelOf(page).getByText('live', { exact: true }).waitFor();
    await proxy.goAway();
    await panelOf(page).getByText('offline', { exact: true }).waitFor();
    assert.equal(await panelOf(page).getByText('live', { exact: true }).count(), 0);
    await proxy.comeBack();
    await panelOf(page).getByText('live', { exact: true }).waitFor();
    await hearsMore(page);
    await logOf(page).evaluate((element) => element.scrollTo(0, 0));
    await logOf(page).getByText('word 1', { exact: true }).waitFor();
    assert.equal(await logOf(page).getByText('word 1', { exact: true }).count(), 1);
    await away.close();
    await proxy.end();
  });

  test('leads to the login when the session is over', async () => {
    const proxy = await startProxy();
    await ask(context, 'POST', '/auth/users', { username: 'guest', password: 'a password of a guest', role: 'viewer' });
    const theirs = await newContext(browser, { baseURL: proxy.url });
    await signIn(theirs, 'guest', 'a password of a guest');
    const run = await talk();
    const page = await theirs.newPage();
    await page.goto(`${run.page}?task=speak`);
    await panelOf(page).getByText('live', { exact: true }).waitFor();
    await ask(context, 'DELETE', '/auth/users/guest');
    proxy.cut();
    await page.getByRole('heading', { name: 'Log in to Updraft' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('next'), `${run.page}?task=speak`);
    await theirs.close();
    await proxy.end();
  });
});
