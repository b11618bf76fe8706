using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CN2.Api.Kubernetes.Wire;

/// <summary>Plain scalars of YAML 1.1: yes and no are booleans, 010 is eight, and a time is a string.</summary>
internal static partial class YamlScalar
{
    private const string Prefix = "tag:yaml.org,2002:";

    public static JsonValue? Read(Scalar scalar, Findings findings)
    {
        var tag = scalar.Tag.IsEmpty || scalar.Tag.IsNonSpecific ? "" : scalar.Tag.Value;
        var value = tag switch
        {
            Prefix + "str" => JsonValue.Create(scalar.Value),
            Prefix + "binary" => Binary(scalar.Value, findings),
            _ when tag.Length == 0 && scalar.Style != ScalarStyle.Plain => JsonValue.Create(scalar.Value),
            _ => Plain(scalar.Value, findings),
        };
        var isRight = tag switch
        {
            Prefix + "int" => value is JsonValue v && v.TryGetValue<long>(out _),
            Prefix + "float" => value is JsonValue v && (v.TryGetValue<double>(out _) || v.TryGetValue<long>(out _)),
            Prefix + "bool" => value is JsonValue v && v.TryGetValue<bool>(out _),
            Prefix + "null" => value is null,
            _ => true,
        };
        if (!isRight) findings.Refuse($"line {scalar.Start.Line}: the value is not of the type that its tag says");
        return value;
    }

    /// <summary>A key as a string, as Kubernetes makes one; null: a list or an object is no key.</summary>
    public static string? Key(JsonNode? key) => key switch
    {
        null => "null",
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        JsonValue value when value.TryGetValue<bool>(out var flag) => flag ? "true" : "false",
        JsonValue value => value.ToJsonString(),
        _ => null,
    };

    private static JsonValue? Plain(string text, Findings findings)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON":
                return JsonValue.Create(true);
            case "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF":
                return JsonValue.Create(false);
            case ".nan" or ".NaN" or ".NAN" or ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" or "-.inf" or "-.Inf" or "-.INF":
                findings.Refuse($"{text} is no number of JSON");
                return null;
        }

        if (text[0] is not ('+' or '-' or '.' or (>= '0' and <= '9'))) return JsonValue.Create(text);
        if (Whole(text) is { } whole) return JsonValue.Create(whole);
        var plain = text.Replace("_", "", StringComparison.Ordinal);
        if (!Float().IsMatch(plain)) return JsonValue.Create(text);
        var number = double.Parse(plain, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (double.IsFinite(number)) return JsonValue.Create(number);
        findings.Refuse("a number is too large");
        return null;
    }

    /// <summary>A whole number of 64 bits: decimal, octal (0 or 0o), hexadecimal (0x) or binary (0b), with underscores between digits.</summary>
    private static long? Whole(string text)
    {
        var digits = text.AsSpan();
        var isNegative = digits[0] == '-';
        if (digits[0] is '-' or '+') digits = digits[1..];
        if (digits.Length is 0 or > 80) return null;
        var radix = 10;
        if (digits.Length > 1 && digits[0] == '0')
        {
            (radix, var skip) = digits[1] switch { 'x' or 'X' => (16, 2), 'b' or 'B' => (2, 2), 'o' or 'O' => (8, 2), _ => (8, 1) };
            digits = digits[skip..];
        }

        Int128 value = 0;
        var count = 0;
        foreach (var c in digits)
        {
            if (c == '_') continue;
            var digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix) return null;
            value = (value * radix) + digit;
            count++;
            if (value > (Int128)long.MaxValue + 1) return null;
        }

        if (isNegative) value = -value;
        return count == 0 || value > long.MaxValue ? null : (long)value;
    }

    private static JsonValue? Binary(string text, Findings findings)
    {
        var bytes = new byte[text.Length];
        if (Convert.TryFromBase64String(text, bytes, out var length)) return JsonValue.Create(System.Text.Encoding.UTF8.GetString(bytes.AsSpan(0, length)));
        findings.Refuse("a !!binary value is no base64");
        return null;
    }

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Float();
}
