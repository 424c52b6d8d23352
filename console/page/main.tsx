// Where the page begins.

import '@xyflow/react/dist/base.css';
import 'uplot/dist/uPlot.min.css';
import './page.css';
import './parts.css';
import './drawings.css';
import './views.css';
import './narrow.css';
import { createRoot } from 'react-dom/client';
import { Page } from './page.tsx';
import { showKeptTheme } from './theme.ts';
import { ViewBoundary } from './view-boundary.tsx';

showKeptTheme();
const root = document.getElementById('page');
if (root !== null)
  createRoot(root).render(
    <ViewBoundary>
      <Page />
    </ViewBoundary>,
  );
