using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>Which fields an object sets, and an object without some of its fields.</summary>
public static class FieldWalk
{
    /// <summary>The fields that the object sets, by its form. An item that nothing identifies is passed over.</summary>
    /// <param name="value">An object of this form.</param>
    /// <param name="schema">The form.</param>
    /// <param name="ignored">Fields that are left out with all that is inside of them.</param>
    public static FieldSet FieldsOf(JsonObject value, Schema.Structure schema, FieldSet? ignored = null)
    {
        var builder = new FieldSetBuilder();
        Collect(value, schema, builder, ignored ?? FieldSet.Empty);
        return builder.ToSet();
    }

    private static void Collect(JsonNode? value, Schema? schema, FieldSetBuilder builder, FieldSet ignored)
    {
        if (SchemaSteps.IsLeaf(schema, value))
        {
            builder.IsMember = true;
        }
        else if (value is JsonObject members)
        {
            foreach (var (name, inner) in members)
            {
                var element = PathElement.OfField(name);
                if (ignored.Contains(element)) continue;
                var below = builder.Below(element);
                Collect(inner, SchemaSteps.Member(schema, name), below, ignored.Below(element));
                if (inner is null or JsonObject { Count: 0 } || !SchemaSteps.Names(schema, name)) below.IsMember = true;
            }
        }
        else if (value is JsonArray items && schema is Schema.List list)
        {
            foreach (var group in items.GroupBy(i => SchemaSteps.Identify(list, i).Element))
            {
                if (group.Key is not { } element) continue;
                var below = builder.Below(element);
                below.IsMember = true;
                if (group.Count() == 1) Collect(group.First(), list.Item, below, ignored.Below(element)); // twice the same: it is owned as a whole
            }
        }
    }

    /// <summary>A clone without the fields. What is empty after it goes too.</summary>
    public static JsonObject Without(JsonObject value, FieldSet fields, Schema.Structure schema) =>
        Remove(value, fields, schema) as JsonObject ?? [];

    private static JsonNode? Remove(JsonNode? value, FieldSet fields, Schema? schema)
    {
        if (fields.IsEmpty || SchemaSteps.IsLeaf(schema, value)) return value?.DeepClone();
        if (value is JsonObject members)
        {
            var kept = new JsonObject();
            foreach (var (name, inner) in members)
            {
                var element = PathElement.OfField(name);
                if (fields.Contains(element)) continue;
                var rest = Remove(inner, fields.Below(element), SchemaSteps.Member(schema, name));
                if (rest is not null || inner is null) kept[name] = rest;
            }

            return kept.Count > 0 || members.Count == 0 ? kept : null;
        }

        var list = (Schema.List)schema!;
        var items = new JsonArray();
        foreach (var item in value!.AsArray())
        {
            var element = SchemaSteps.Identify(list, item).Element;
            if (element is null) items.Add(item?.DeepClone());
            else if (!fields.Contains(element)) items.Add(Remove(item, fields.Below(element), list.Item));
        }

        return items.Count > 0 || value.AsArray().Count == 0 ? items : null;
    }
}
