/** A text that counts when it is complete: at Enter, or when the field is left. */
import { TextInput, type TextInputProps } from "@mantine/core";
import { useEffect, useState } from "react";

interface WordsProps extends Omit<TextInputProps, "value" | "onChange"> {
  readonly value: string | undefined;
  readonly change: (text: string | undefined) => void;
}

export function Words({ value = "", change, ...rest }: WordsProps) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const settle = () => typed.trim() !== value && change(typed.trim() || undefined);
  return (
    <TextInput
      {...rest}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={settle}
      onKeyDown={({ key }) => key === "Enter" && settle()}
    />
  );
}
