/** A table: one line for each thing, one column for each of its properties. */
import type { ReactNode } from "react";
import { Wide } from "./Wide.tsx";

export interface Column {
  /** Of its own among the columns. */
  readonly label: string;
  /** What stands in the head instead, such as a link. */
  readonly head?: ReactNode;
  readonly numeric?: boolean;
  /** Of the table's width, as CSS says it. */
  readonly width?: string;
}

export interface LinesProps {
  readonly columns: readonly Column[];
  /** Each a key of its own and a cell for each column. */
  readonly rows: readonly (readonly [key: string, ...cells: ReactNode[]])[];
  /** Pixels below which it is scrolled sideways. */
  readonly minWidth?: number;
}

export function Lines({ columns, rows, minWidth = 700 }: LinesProps) {
  return (
    <Wide minWidth={minWidth}>
      <table className="lines">
        <thead>
          <tr>
            {columns.map(({ label, head, numeric, width }) => (
              <th key={label} scope="col" style={{ width }} className={numeric ? "numbers" : undefined}>
                {head ?? label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([key, ...cells]) => (
            <tr key={key}>
              {cells.map((cell, i) => (
                <td key={columns[i]!.label} className={columns[i]!.numeric ? "numbers" : "name"}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
