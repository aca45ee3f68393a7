// Import errors: what is wrong with which DAG file.
import { requestAll } from './client';
import type { ImportError } from './types';

export const listImportErrors = (signal: AbortSignal) =>
  requestAll('/api/v2/importErrors', (page: { import_errors: ImportError[]; total_entries: number }) => page.import_errors, { signal });
