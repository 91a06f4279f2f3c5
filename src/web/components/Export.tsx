/** Saves a chart as a file, in each of its forms. */
import { Button, Menu } from "@mantine/core";
import { save } from "../export.ts";
import { type ChartFormat, chartFormats, type DrawnChart } from "../export-chart.ts";
import { t } from "../texts.ts";

/** @param chart made when it is asked for */
export function Export({ title, chart }: { readonly title: string; readonly chart: () => DrawnChart }) {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button size="compact-xs" variant="default" aria-label={t.run.exportOf(title)}>
          {t.run.export}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(chartFormats) as ChartFormat[]).map((format) => (
          <Menu.Item key={format} onClick={() => void chartFormats[format](chart()).then((blob) => save(`${title}.${format}`, blob))}>
            {format.toUpperCase()}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
