// Builds the page into dist/, which the server embeds. `--mode mock` serves it over the invented
// world of dev/ instead of a server; `dev` passes API calls on to a running one.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { mockServer } from './dev/plugin';

const api = process.env['UPDRAFT_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig(({ mode }) => ({
  plugins: [react(), ...(mode === 'mock' ? [mockServer()] : [])],
  server: { host: '127.0.0.1', proxy: mode === 'mock' ? {} : { '/api': api, '/auth': api, '/ui': api } },
  preview: { host: '127.0.0.1' },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // A data: URL would need a looser Content-Security-Policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { include: ['src/**/*.test.ts'] },
}));
