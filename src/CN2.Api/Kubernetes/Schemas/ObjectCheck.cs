using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Compares an object with its form: unknown fields, wrong types, what is missing, what is not allowed. All at once.</summary>
public sealed partial class ObjectCheck
{
    private readonly List<string> _unknown = [];
    private readonly List<ObjectFault> _faults = [];

    /// <summary>Below a field that is secret (<see cref="Field.IsSecret"/>).</summary>
    private bool _isSecret;

    private ObjectCheck()
    {
    }

    /// <param name="input">The object; it is not changed.</param>
    /// <param name="form">Its form.</param>
    public static CheckedObject Check(JsonObject input, Schema.Structure form)
    {
        var check = new ObjectCheck();
        var result = check.Structure(input, form, "");
        return new(result, check._unknown, check._faults);
    }

    private JsonObject Structure(JsonObject input, Schema.Structure form, string path)
    {
        var result = new JsonObject();
        foreach (var (name, value) in input)
        {
            if (form.Find(name) is not { } field)
            {
                if (form.KeepsUnknown) result[name] = value?.DeepClone();
                else if (_unknown.Count < Limits.Faults) _unknown.Add($"unknown field \"{Below(path, name)}\"");
                continue;
            }

            // null is absent, and so is an empty word where only certain words are allowed.
            if (value is null || (field.Schema is Schema.Text { Values: not null } && IsText(value, out var text) && text.Length == 0)) continue;
            var wasSecret = _isSecret;
            _isSecret |= field.IsSecret;
            if (Value(value, field.Schema, Below(path, name)) is { } kept) result[name] = kept;
            _isSecret = wasSecret;
        }

        foreach (var field in form.Fields)
        {
            if (result.ContainsKey(field.Name)) continue;
            if (field.IsRequired && IsAbsent(input[field.Name])) Fault(ObjectFaultKind.Required, Below(path, field.Name), "Required value");
            if (field.Default is not null && IsAbsent(input[field.Name])) result[field.Name] = Default(field, path);
        }

        return result;
    }

    /// <summary>An empty word counts as none; a value that was refused has its fault already.</summary>
    private static bool IsAbsent(JsonNode? value) => value is null || (IsText(value, out var text) && text.Length == 0);

    /// <summary>A default that is an object has its own defaults.</summary>
    private JsonNode? Default(Field field, string path) => JsonNode.Parse(field.Default!) is { } value ? Value(value, field.Schema, Below(path, field.Name)) : null;

    /// <returns>What is kept of the value; null: nothing, it has a fault.</returns>
    private JsonNode? Value(JsonNode value, Schema schema, string path)
    {
        switch (schema)
        {
            case Schema.Structure form:
                return value is JsonObject members ? Structure(members, form, path) : Wrong(path, "an object", value);
            case Schema.Map map:
                return value is JsonObject entries ? Map(entries, map, path) : Wrong(path, "an object", value);
            case Schema.List list:
                return value is JsonArray items ? List(items, list, path) : Wrong(path, "a list", value);
            case Schema.Text text:
                return Text(value, text, path);
            case Schema.Flag:
                return value.GetValueKind() is JsonValueKind.True or JsonValueKind.False ? value.DeepClone() : Wrong(path, "true or false", value);
            case Schema.Number number:
                return IsWhole(value, number.IsLong) ? value.DeepClone() : Wrong(path, number.IsLong ? "a whole number" : "a whole number of 32 bits", value);
            case Schema.NumberOrText:
                return IsText(value, out _) || IsWhole(value, isLong: false) ? value.DeepClone() : Wrong(path, "a whole number of 32 bits or a string", value);
            case Schema.Time:
                return Time(value, path);
            case Schema.Quantity:
                return Quantity(value, path);
            default:
                return value.DeepClone();
        }
    }

    private JsonObject Map(JsonObject input, Schema.Map map, string path)
    {
        var result = new JsonObject();
        foreach (var (key, value) in input)
        {
            // A null in a map of strings is an empty string, as in Kubernetes.
            if (value is null)
            {
                if (map.Value is Schema.Text) result[key] = "";
            }
            else if (Value(value, map.Value, Below(path, key)) is { } kept)
            {
                result[key] = kept;
            }
        }

        return result;
    }

    private JsonArray List(JsonArray input, Schema.List list, string path)
    {
        var result = new JsonArray();
        for (var i = 0; i < input.Count; i++)
        {
            if (input[i] is not { } item) Wrong($"{path}[{i}]", Name(list.Item), null);
            else if (Value(item, list.Item, $"{path}[{i}]") is { } kept) result.Add(kept);
        }

        return result;
    }

    private JsonNode? Text(JsonNode value, Schema.Text schema, string path)
    {
        if (!IsText(value, out var text)) return Wrong(path, "a string", value);
        if (schema.Values is null || schema.Values.Contains(text)) return value.DeepClone();
        Fault(ObjectFaultKind.NotSupported, path, $"Unsupported value: {Shown(value)}: supported values: {string.Join(", ", schema.Values.Select(v => $"\"{v}\""))}");
        return null;
    }

    private JsonNode? Time(JsonNode value, string path)
    {
        if (!IsText(value, out var text)) return Wrong(path, "a time as a string", value);
        if (KubernetesTime.IsTime(text)) return value.DeepClone();
        Fault(ObjectFaultKind.Invalid, path, $"Invalid value: {Shown(value)}: must be a time such as 2026-01-31T12:00:00Z");
        return null;
    }

    private JsonNode? Quantity(JsonNode value, string path)
    {
        var text = value.GetValueKind() == JsonValueKind.Number ? value.ToJsonString() : null;
        if (text is null && !IsText(value, out text)) return Wrong(path, "an amount as a string", value);
        if (text.Length <= 64 && Amount().IsMatch(text)) return JsonValue.Create(text);
        Fault(ObjectFaultKind.Invalid, path, $"Invalid value: {Shown(value)}: must be an amount such as 100m or 64Mi");
        return null;
    }

    private JsonNode? Wrong(string path, string expected, JsonNode? value)
    {
        Fault(ObjectFaultKind.Type, path, $"Invalid value: {Shown(value)}: must be {expected}");
        return null;
    }

    private void Fault(ObjectFaultKind kind, string path, string message)
    {
        if (_faults.Count < Limits.Faults) _faults.Add(new(kind, path, message));
    }

    /// <summary>A scalar as JSON, cut to a length that suits a message; of anything else its type.</summary>
    private string Shown(JsonNode? value)
    {
        if (_isSecret) return "\"secret\"";
        switch (value)
        {
            case null: return "null";
            case JsonObject: return "\"object\"";
            case JsonArray: return "\"array\"";
        }

        var text = value.ToJsonString();
        return text.Length <= 100 ? text : string.Concat(text.AsSpan(0, 100), "…");
    }

    private static string Name(Schema schema) => schema switch
    {
        Schema.Structure or Schema.Map => "an object",
        Schema.Number => "a number",
        _ => "a string",
    };

    private static bool IsText(JsonNode value, out string text)
    {
        text = "";
        return value is JsonValue scalar && scalar.TryGetValue(out text!);
    }

    private static bool IsWhole(JsonNode value, bool isLong) =>
        value is JsonValue scalar && value.GetValueKind() == JsonValueKind.Number && (scalar.TryGetValue<long>(out var number) || IsInteger(scalar, out number))
        && (isLong || number is >= int.MinValue and <= int.MaxValue);

    /// <summary>Code of this program may have put an int where a client's number is a long.</summary>
    private static bool IsInteger(JsonValue value, out long number)
    {
        var isInteger = value.TryGetValue<int>(out var small);
        number = small;
        return isInteger;
    }

    private static string Below(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    [GeneratedRegex(@"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Amount();
}
