using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CN2.Api.Kubernetes.Wire;

/// <summary>
/// Reads one YAML document as Kubernetes does (sigs.k8s.io/yaml): scalars of YAML 1.1, keys become strings, aliases and merge keys are
/// expanded. What they expand to counts, so that a small body cannot become a large object.
/// </summary>
internal sealed class YamlBody
{
    private readonly Findings _findings = new();
    private readonly Dictionary<string, JsonNode?> _anchors = new(StringComparer.Ordinal);
    private readonly IParser _parser;

    private YamlBody(IParser parser) => _parser = parser;

    public static BodyResult Read(ReadOnlyMemory<byte> body)
    {
        using var text = new StreamReader(new MemoryStream(body.ToArray()));
        var reader = new YamlBody(new Parser(text));
        return reader._findings.Result(reader.Document());
    }

    private JsonNode? Document()
    {
        try
        {
            _parser.MoveNext();
            if (!_parser.MoveNext() || _parser.Current is StreamEnd)
            {
                _findings.Refuse("the body is empty");
                return null;
            }

            _parser.MoveNext();
            var value = Value(0);
            if (_findings.Refusal is not null) return null;
            _parser.MoveNext();
            if (_parser.MoveNext() && _parser.Current is DocumentStart) _findings.Refuse("the body has more than one YAML document");
            return value;
        }
        catch (YamlException e)
        {
            _findings.Refuse($"the body is no YAML: line {e.Start.Line}, column {e.Start.Column}");
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or OverflowException)
        {
            // The scanner lets these out for some escapes and numbers that are out of range.
            _findings.Refuse("the body is no YAML");
        }

        return null;
    }

    /// <summary>The value that the parser stands at; afterwards it stands at its last event.</summary>
    private JsonNode? Value(int depth)
    {
        if (!_findings.Count(depth)) return null;
        switch (_parser.Current)
        {
            case AnchorAlias alias:
                return Alias(alias, depth);
            case Scalar scalar:
                return Anchored(scalar, YamlScalar.Read(scalar, _findings));
            case SequenceStart start:
                var items = new JsonArray();
                while (_findings.Refusal is null && _parser.MoveNext() && _parser.Current is not SequenceEnd) items.Add(Value(depth + 1));
                return Anchored(start, items);
            case MappingStart start:
                return Anchored(start, Mapping(depth));
            default:
                _findings.Refuse("the body is no YAML");
                return null;
        }
    }

    private JsonObject Mapping(int depth)
    {
        var members = new JsonObject();
        JsonNode? merged = null;
        while (_findings.Refusal is null && _parser.MoveNext() && _parser.Current is not MappingEnd)
        {
            var line = _parser.Current!.Start.Line;
            var isMerge = _parser.Current is Scalar { Value: "<<", Style: ScalarStyle.Plain };
            var key = YamlScalar.Key(Value(depth + 1));
            if (_findings.Refusal is not null) break;
            if (key is null)
            {
                _findings.Refuse($"line {line}: a key must be a scalar");
                break;
            }

            _parser.MoveNext();
            if (isMerge)
            {
                merged = Value(depth + 1);
                continue;
            }

            if (members.ContainsKey(key)) _findings.Fault($"line {line}: key \"{key}\" already set in map");
            members[key] = Value(depth + 1);
        }

        Merge(members, merged, depth);
        return members;
    }

    /// <summary>Takes over what a merge key names and the mapping does not say itself.</summary>
    private void Merge(JsonObject members, JsonNode? merged, int depth)
    {
        if (merged is null) return;
        foreach (var source in merged is JsonArray several ? several.ToArray() : [merged])
        {
            if (source is not JsonObject from)
            {
                _findings.Refuse("a merge key << must name a mapping, or a list of mappings");
                return;
            }

            foreach (var (name, value) in from)
            {
                if (!members.ContainsKey(name)) members[name] = Copy(value, depth + 1);
                if (_findings.Refusal is not null) return;
            }
        }
    }

    private JsonNode? Alias(AnchorAlias alias, int depth)
    {
        if (_anchors.TryGetValue(alias.Value.Value, out var value)) return Copy(value, depth);
        _findings.Refuse($"line {alias.Start.Line}: no anchor &{alias.Value.Value} ends before this alias");
        return null;
    }

    private JsonNode? Anchored(NodeEvent start, JsonNode? value)
    {
        if (!start.Anchor.IsEmpty && _findings.Refusal is null) _anchors[start.Anchor.Value] = value;
        return value;
    }

    /// <summary>A copy, of which every value counts.</summary>
    private JsonNode? Copy(JsonNode? value, int depth)
    {
        if (!_findings.Count(depth)) return null;
        switch (value)
        {
            case JsonObject from:
                var members = new JsonObject();
                foreach (var (name, member) in from)
                {
                    if (_findings.Refusal is not null) break;
                    members[name] = Copy(member, depth + 1);
                }

                return members;
            case JsonArray from:
                var items = new JsonArray();
                foreach (var item in from)
                {
                    if (_findings.Refusal is not null) break;
                    items.Add(Copy(item, depth + 1));
                }

                return items;
            default:
                return value?.DeepClone();
        }
    }
}
