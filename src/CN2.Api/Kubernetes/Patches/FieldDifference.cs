using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>Which fields differ between two objects of one form.</summary>
/// <param name="Removed">In the first alone.</param>
/// <param name="Modified">In both, with another value.</param>
/// <param name="Added">In the second alone.</param>
public sealed record FieldDifference(FieldSet Removed, FieldSet Modified, FieldSet Added)
{
    /// <summary>What the second object sets anew.</summary>
    public FieldSet Changed => Modified.Union(Added);

    /// <param name="before">The first object.</param>
    /// <param name="after">The second.</param>
    /// <param name="schema">The form of both.</param>
    /// <param name="ignored">Fields that are left out with all that is inside of them.</param>
    public static FieldDifference Between(JsonObject before, JsonObject after, Schema.Structure schema, FieldSet? ignored = null)
    {
        var walk = new Walk();
        walk.Compare(before, after, schema, new Place([], ignored ?? FieldSet.Empty));
        return new FieldDifference(walk.Removed.ToSet(), walk.Modified.ToSet(), walk.Added.ToSet());
    }

    private readonly record struct Place(IReadOnlyList<PathElement> Path, FieldSet Ignored)
    {
        public Place Below(PathElement element) => new([.. Path, element], Ignored.Below(element));
    }

    private sealed class Walk
    {
        public FieldSetBuilder Removed { get; } = new();
        public FieldSetBuilder Modified { get; } = new();
        public FieldSetBuilder Added { get; } = new();

        public void Compare(JsonNode? before, JsonNode? after, Schema? schema, Place place)
        {
            var shape = after ?? before;
            var isMixed = before is not null && after is not null && SchemaSteps.IsLeaf(schema, before) != SchemaSteps.IsLeaf(schema, after);
            if (isMixed || SchemaSteps.IsLeaf(schema, shape) || (IsEmpty(before) && IsEmpty(after)))
            {
                if (before is null) Added.Add(place.Path);
                else if (after is null) Removed.Add(place.Path);
                else if (!JsonNode.DeepEquals(before, after)) Modified.Add(place.Path);
                return;
            }

            if (schema is Schema.List list) CompareItems(before as JsonArray ?? [], after as JsonArray ?? [], list, place);
            else CompareMembers(before as JsonObject ?? [], after as JsonObject ?? [], schema, place);
            if (before is null) Added.Add(place.Path);
            else if (after is null) Removed.Add(place.Path);
        }

        private static bool IsEmpty(JsonNode? node) => node is null or JsonObject { Count: 0 } or JsonArray { Count: 0 };

        private void CompareMembers(JsonObject before, JsonObject after, Schema? schema, Place place)
        {
            foreach (var name in before.Select(m => m.Key).Union(after.Select(m => m.Key), StringComparer.Ordinal))
            {
                var element = PathElement.OfField(name);
                if (place.Ignored.Contains(element)) continue;
                var (left, right) = (before[name], after[name]);
                if (left is not null || right is not null) Compare(left, right, SchemaSteps.Member(schema, name), place.Below(element));
            }
        }

        private void CompareItems(JsonArray before, JsonArray after, Schema.List list, Place place)
        {
            var left = before.ToLookup(i => SchemaSteps.Identify(list, i).Element);
            var right = after.ToLookup(i => SchemaSteps.Identify(list, i).Element);
            foreach (var element in left.Select(g => g.Key).Union(right.Select(g => g.Key)))
            {
                if (element is null) continue;
                var at = place.Below(element);
                JsonNode?[] was = [.. left[element]], isNow = [.. right[element]];
                switch (was.Length, isNow.Length)
                {
                    case ( <= 1, <= 1):
                        Compare(was.FirstOrDefault(), isNow.FirstOrDefault(), list.Item, at);
                        break;
                    case ( > 1, > 1): // items that are there twice are one value
                        if (was.Length != isNow.Length || !was.Zip(isNow).All(p => JsonNode.DeepEquals(p.First, p.Second))) Modified.Add(at.Path);
                        break;
                    case ( > 1, _):
                        if (isNow.Length == 1) Compare(null, isNow[0], list.Item, at);
                        else Removed.Add(at.Path);
                        break;
                    default:
                        if (was.Length == 1) Compare(was[0], null, list.Item, at);
                        Added.Add(at.Path);
                        break;
                }
            }
        }
    }
}
