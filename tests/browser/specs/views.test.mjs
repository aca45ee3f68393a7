// What pages say of themselves and to whom, and how they fit.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask, newContext, signIn, startBrowser, triggerRun } from '../support.mjs';

describe('the views', () => {
  let browser;
  let context;
  let page;
  let run;
  before(async () => {
    ({ browser, context } = await startBrowser());
    await signIn(context);
    page = await context.newPage();
    run = await triggerRun(context, 'sales_daily');
  });
  after(() => browser?.close());

  test('are named after what they show', async () => {
    const titles = {
      '/dags': /^Dags · Updraft$/,
      '/dag_runs': /^Runs · Updraft$/,
      '/dags/sales_daily': /^sales_daily · Updraft$/,
      [run.page]: /^manual__.* · sales_daily · Updraft$/,
      [`${run.page}?task=load`]: /^load · manual__.* · sales_daily · Updraft$/,
    };
    for (const [address, title] of Object.entries(titles)) {
      await page.goto(address);
      await page.getByRole('navigation', { name: 'Main' }).waitFor();
      assert.match(await page.title(), title);
    }
  });

  test('show whether a switch is on by where its knob is', async () => {
    await page.goto('/dags/sales_daily');
    const pause = page.getByRole('switch', { name: /sales_daily/ });
    await pause.waitFor();
    const isRight = () =>
      pause.evaluate((element) => {
        const [all, knob] = [element, element.firstElementChild].map((one) => one.getBoundingClientRect());
        return knob.left + knob.width / 2 > all.left + all.width / 2;
      });
    const settled = async (on) => {
      await page.locator(`[role=switch][aria-checked=${on}]`).first().waitFor();
      // The knob slides there.
      await pause.evaluate((element) => Promise.all(element.getAnimations({ subtree: true }).map((one) => one.finished)));
    };
    const before = (await pause.getAttribute('aria-checked')) === 'true';
    await settled(before);
    assert.equal(await isRight(), before);
    await pause.click();
    await settled(!before);
    assert.equal(await isRight(), !before);
    await pause.click();
    await settled(before);
  });

  test('do not scroll sideways on a telephone, and cut nothing off', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const addresses = [
      ...['/dags', '/dag_runs', '/import_errors', '/pools'],
      ...['', '/graph', '/runs', '/tasks', '/code', '/details'].map((view) => `/dags/sales_daily${view}`),
      ...['', '/grid', '/tasks', '/details', '?task=extract', '?task=extract&tab=details'].map((view) => `${run.page}${view}`),
    ];
    for (const address of addresses) {
      await page.goto(address);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('load');
      await page.getByRole('navigation', { name: 'Main' }).getByRole('status').getByText('Live').waitFor();
      // What no part of the page that scrolls by itself makes reachable.
      const outside = await page.evaluate(() => {
        const reachable = (element) => {
          for (let part = element.parentElement; part !== null; part = part.parentElement) {
            if (getComputedStyle(part).overflowX !== 'visible') return true;
          }
          return false;
        };
        const wide = [...document.querySelectorAll('#root *')].filter((one) => {
          const { width, right } = one.getBoundingClientRect();
          return width > 1 && right > innerWidth + 1 && !reachable(one);
        });
        return wide.map((one) => one.className || one.tagName);
      });
      assert.deepEqual({ address, outside }, { address, outside: [] });
      const [scrolls, fits] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(scrolls <= fits, `${address}: ${scrolls} > ${fits}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  test('of a DAG say what is wrong with its file', async () => {
    await page.route('**/api/v2/importErrors*', async (route) => {
      const answer = await (await route.fetch()).json();
      answer.import_errors.forEach((error) => (error.filename = 'sales_daily.yaml'));
      await route.fulfill({ json: answer });
    });
    await page.goto('/dags/sales_daily');
    await page.getByRole('region', { name: 'Import error' }).getByText('upstraem').first().waitFor();
    await page.unroute('**/api/v2/importErrors*');
    await page.reload();
    await page.getByRole('table', { name: 'Tasks by runs' }).waitFor();
    assert.equal(await page.getByRole('region', { name: 'Import error' }).count(), 0);
  });

  test('say who is logged in, and tell a viewer why nothing can be pressed', async () => {
    await page.goto('/dags');
    await page.getByText('Logged in as admin, in the role admin').waitFor();
    await ask(context, 'POST', '/auth/users', { username: 'watcher', password: 'a password of a watcher', role: 'viewer' });
    const theirs = await newContext(browser);
    await signIn(theirs, 'watcher', 'a password of a watcher');
    const seen = await theirs.newPage();
    const asked = [];
    seen.on('request', (request) => request.method() !== 'GET' && asked.push(request.url()));
    const tries = {
      '/dags': [
        seen.getByRole('button', { name: 'Trigger sales_daily' }),
        seen.getByRole('switch', { name: 'Pause sales_daily' }),
      ],
      [`${run.page}?task=extract`]: [
        ...['Trigger', 'Clear…', 'Mark as…'].map((name) => seen.getByRole('button', { name, exact: true }).first()),
        ...['Clear…', 'Mark as…'].map((name) => seen.getByRole('region', { name: 'Task extract' }).getByRole('button', { name, exact: true })),
      ],
    };
    for (const [address, controls] of Object.entries(tries)) {
      await seen.goto(address);
      await seen.getByText('Logged in as watcher, in the role viewer').waitFor();
      for (const control of controls) {
        await control.waitFor();
        assert.equal(await control.getAttribute('title'), 'watcher is a viewer: reading only');
        await control.click({ force: true });
      }
    }
    assert.equal(await seen.getByRole('dialog').count(), 0);
    assert.deepEqual(asked, []);
    await theirs.close();
    await ask(context, 'DELETE', '/auth/users/watcher');
  });
});
