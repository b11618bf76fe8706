using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CN2.Api.Http;
using CN2.Api.Json;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>Completes the schema of a type where the generator cannot see what the JSON looks like: our converters, and members that are left out.</summary>
internal static class SchemaDescription
{
    /// <summary>Metadata of a schema: the names of the members that an answer leaves out when they are null.</summary>
    public const string LeftOut = "cn2-left-out";

    public static async Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var info = context.JsonTypeInfo;
        var type = Nullable.GetUnderlyingType(info.Type) ?? info.Type;
        if (type.IsEnum)
        {
            schema.Type = JsonSchemaType.String;
            schema.Enum = [.. Enum.GetNames(type).Select(n => (JsonNode)JsonValue.Create(n))];
            // The comment of an enum is not found by way of its nullable type.
            if (type != info.Type) schema.Description ??= (await context.GetOrCreateSchemaAsync(type, null, cancellationToken)).Description;
        }
        else if (type == typeof(DateTimeOffset))
        {
            schema.Type = type == info.Type ? JsonSchemaType.String : JsonSchemaType.String | JsonSchemaType.Null;
            schema.Format = "date-time";
        }
        else if (type == typeof(uint))
        {
            // Generators know int32 and int64 only, and int32 is too small.
            schema.Format = "int64";
            schema.Minimum = "0";
            schema.Maximum = "4294967295";
        }
        else if (info.Kind == JsonTypeInfoKind.Enumerable && schema.Items is null && info.ElementType is { IsEnum: true } element)
        {
            context.Document!.AddComponent<IOpenApiSchema>(element.Name, await context.GetOrCreateSchemaAsync(element, null, cancellationToken));
            schema.Items = await context.GetOrCreateSchemaAsync(element, null, cancellationToken);
        }
        else if (type.IsAssignableTo(typeof(ResourceRequest)))
        {
            schema.AdditionalProperties = null;
            schema.AdditionalPropertiesAllowed = true;
            schema.Description += $" The read-only members of an answer ({string.Join(", ", ResourceRequest.ReadOnlyMembers.Order(StringComparer.Ordinal).Select(m => $"`{m}`"))}) " +
                "are accepted and ignored. Any other unknown member is refused.";
        }

        if (context.JsonPropertyInfo?.AttributeProvider is PropertyInfo { } member && member.GetCustomAttribute<AtMostAttribute>() is { Count: var most })
        {
            if (type == typeof(string)) schema.MaxLength = most;
            else if (info.Kind == JsonTypeInfoKind.Dictionary) schema.MaxProperties = most;
            else schema.MaxItems = most;
        }

        // Which schemas answers have is known when the document is complete: DocumentSchemas reads this then.
        if (info.Kind == JsonTypeInfoKind.Object) (schema.Metadata ??= new Dictionary<string, object>())[LeftOut] = info.Properties.Where(IsLeftOut).Select(p => p.Name).ToHashSet();
    }

    private static bool IsLeftOut(JsonPropertyInfo property) =>
        property.AttributeProvider is PropertyInfo { } member && member.GetCustomAttribute<JsonIgnoreAttribute>() is { Condition: JsonIgnoreCondition.WhenWritingNull };
}
