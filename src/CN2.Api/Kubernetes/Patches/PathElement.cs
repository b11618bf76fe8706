using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>What a step of a path goes by. The order is that of fieldsV1.</summary>
public enum PathElementKind
{
    /// <summary><c>f:name</c>: a member.</summary>
    Field,

    /// <summary><c>k:{…}</c>: the item of a list with these keys.</summary>
    Key,

    /// <summary><c>v:…</c>: the item of a list that is this scalar.</summary>
    Value,

    /// <summary><c>i:0</c>: the item of a list at this place.</summary>
    Index,
}

/// <summary>A step of the path to a field (fieldsV1 of structured-merge-diff).</summary>
public sealed class PathElement : IComparable<PathElement>, IEquatable<PathElement>
{
    private readonly KeyValuePair<string, Scalar>[] _keys;
    private readonly Scalar _value;
    private readonly int _index;

    private PathElement(PathElementKind kind, string name, KeyValuePair<string, Scalar>[] keys, Scalar value, int index) =>
        (Kind, Name, _keys, _value, _index) = (kind, name, keys, value, index);

    public PathElementKind Kind { get; }

    /// <summary>Of a field; else empty.</summary>
    public string Name { get; }

    public static PathElement OfField(string name) => new(PathElementKind.Field, name, [], default, 0);

    public static PathElement OfKeys(IEnumerable<KeyValuePair<string, Scalar>> keys) =>
        new(PathElementKind.Key, "", [.. keys.OrderBy(k => k.Key, StringComparer.Ordinal)], default, 0);

    public static PathElement OfValue(Scalar value) => new(PathElementKind.Value, "", [], value, 0);

    public static PathElement OfIndex(int index) => new(PathElementKind.Index, "", [], default, index);

    /// <summary>Reads the name of a member of fieldsV1. False: it is none. An element of a kind that is not known is null: it is left out.</summary>
    public static bool TryParse(string text, out PathElement? element)
    {
        element = null;
        if (text.Length < 2 || text[1] != ':') return false;
        var content = text[2..];
        switch (text[0])
        {
            case 'f':
                element = OfField(content);
                return true;
            case 'i':
                if (!int.TryParse(content, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index)) return false;
                element = OfIndex(index);
                return true;
            case 'v':
                element = Scalar.Of(Parse(content)) is { } scalar ? OfValue(scalar) : null;
                return element is not null;
            case 'k':
                element = Parse(content) is JsonObject members ? OfKeys(members) : null;
                return element is not null;
            default:
                return true;
        }
    }

    private static PathElement? OfKeys(JsonObject members)
    {
        var keys = new List<KeyValuePair<string, Scalar>>(members.Count);
        foreach (var (name, node) in members)
        {
            if (Scalar.Of(node) is not { } scalar) return null;
            keys.Add(new(name, scalar));
        }

        return OfKeys(keys);
    }

    private static readonly JsonDocumentOptions Shallow = new() { MaxDepth = 2 };

    private static JsonNode? Parse(string json)
    {
        try
        {
            var node = JsonNode.Parse(json, documentOptions: Shallow);
            return JsonForm.FaultOf(node) is null ? node : null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null; // a client may send anything as the name of a member
        }
    }

    /// <summary>The name of the member of fieldsV1.</summary>
    public string ToFieldsV1() => Kind switch
    {
        PathElementKind.Field => $"f:{Name}",
        PathElementKind.Key => $"k:{{{string.Join(',', _keys.Select(k => $"{Scalar.Quote(k.Key, forHtml: false)}:{k.Value.ToJson()}"))}}}",
        PathElementKind.Value => $"v:{_value.ToJson()}",
        _ => string.Create(CultureInfo.InvariantCulture, $"i:{_index}"),
    };

    /// <summary>As in the path of a conflict: <c>.ports</c>, <c>[port=80,protocol="TCP"]</c>, <c>[="a"]</c>, <c>[0]</c>.</summary>
    public override string ToString() => Kind switch
    {
        PathElementKind.Field => $".{Name}",
        PathElementKind.Key => $"[{string.Join(',', _keys.Select(k => $"{k.Key}={k.Value}"))}]",
        PathElementKind.Value => $"[={_value}]",
        _ => string.Create(CultureInfo.InvariantCulture, $"[{_index}]"),
    };

    public int CompareTo(PathElement? other)
    {
        if (other is null) return 1;
        if (Kind != other.Kind) return Kind.CompareTo(other.Kind);
        return Kind switch
        {
            PathElementKind.Field => string.CompareOrdinal(Name, other.Name),
            PathElementKind.Key => CompareKeys(_keys, other._keys),
            PathElementKind.Value => _value.CompareTo(other._value),
            _ => _index.CompareTo(other._index),
        };
    }

    private static int CompareKeys(KeyValuePair<string, Scalar>[] a, KeyValuePair<string, Scalar>[] b)
    {
        for (var i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            var order = string.CompareOrdinal(a[i].Key, b[i].Key);
            if (order == 0) order = a[i].Value.CompareTo(b[i].Value);
            if (order != 0) return order;
        }

        return a.Length.CompareTo(b.Length);
    }

    public bool Equals(PathElement? other) => other is not null && CompareTo(other) == 0;

    public override bool Equals(object? obj) => Equals(obj as PathElement);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Kind);
        hash.Add(Name, StringComparer.Ordinal);
        hash.Add(_value);
        hash.Add(_index);
        foreach (var key in _keys) hash.Add(key);
        return hash.ToHashCode();
    }
}
