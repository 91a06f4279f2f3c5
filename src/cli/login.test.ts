/** What is an address of a server, and what a link. */
import { describe, expect, test } from "vitest";
import { serverUrl } from "./credentials.ts";
import { readLink } from "./login.ts";

describe("serverUrl", () => {
  test.each([
    ["http://host:4600", "http://host:4600"],
    ["http://Host:4600/", "http://host:4600"],
    ["https://host:443", "https://host"],
    ["https://host/trainyard//", "https://host/trainyard"],
    ["http://[::1]:4600/", "http://[::1]:4600"],
  ])("%s is kept as %s", (text, url) => expect(serverUrl(text)).toBe(url));

  test.each(["host:4600", "ftp://host", "http://ann:secret@host", "http://host/?secret", "http://host/join#tyl_secret", ""])(
    "%s is refused without being repeated",
    (text) => {
      expect(() => serverUrl(text)).toThrow("the address of a server must be like http://host:4600");
      expect(() => serverUrl(text)).not.toThrow(/secret/);
    },
  );
});

describe("readLink", () => {
  test.each([
    ["http://host:4600/join#tyl_ab-c_1", { server: "http://host:4600", secret: "tyl_ab-c_1" }],
    ["https://host/trainyard/join#tyl_abc\n", { server: "https://host/trainyard", secret: "tyl_abc" }],
    ["tyl_abc", { server: undefined, secret: "tyl_abc" }],
  ])("%j is a link", (text, link) => expect(readLink(text)).toEqual(link));

  test.each([
    "http://host:4600/join",
    "http://host:4600/join#tys_secret",
    "http://host:4600/shared#tyl_secret",
    "tyt_secret",
    "http://a@b/join#tyl_secret",
  ])("%s is none, and is not repeated", (text) => {
    expect(() => readLink(text)).toThrow();
    expect(() => readLink(text)).not.toThrow(/secret/);
  });
});
