using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Tests.Fixtures;
using CN2.Api.VirtualMachineInterfaces;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Limiting;

/// <summary>One table of limits: the code's, the page's, the OpenAPI document's.</summary>
public sealed class LimitsTableTests(ApiServer api) : IClassFixture<ApiServer>
{
    /// <summary>Every request, and the records it is made of.</summary>
    private static readonly List<Type> Requests = FindRequests();

    [Fact]
    public void The_page_of_limits_has_every_limit_of_the_code_and_no_other()
    {
        var rows = typeof(Limits).GetFields().Select(f =>
        {
            var limit = f.GetCustomAttribute<LimitAttribute>();
            Assert.True(limit is not null, $"{f.Name} has no words for docs/limits.md");
            return limit.ToRow((int)f.GetRawConstantValue()!);
        });
        var page = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "limits.md")).SkipWhile(l => !l.StartsWith("|---", StringComparison.Ordinal)).Skip(1).TakeWhile(l => l.StartsWith('|'));
        Assert.Equal(rows, page);
    }

    [Fact]
    public void Every_list_map_and_text_that_a_request_can_have_has_a_limit()
    {
        var unbounded = from type in Requests
                        from property in Members(type)
                        where IsSized(property.PropertyType) && property.GetCustomAttribute<AtMostAttribute>() is null
                        select $"{type.Name}.{property.Name}";
        Assert.Empty(unbounded);
        Assert.True(Requests.Count > 12, $"only {Requests.Count} types were found");
    }

    [Fact]
    public async Task The_openapi_document_says_each_limit_where_it_is()
    {
        var schemas = (await api.GetAsync("/openapi/v1.json")).Expect(200).Json!["components"]!["schemas"]!.AsObject();
        var missing = new List<string>();
        var said = 0;
        foreach (var type in Requests)
        {
            if (!schemas.TryGetPropertyValue(type.Name, out var schema) && !schemas.TryGetPropertyValue(type.Name.Replace("Body", "", StringComparison.Ordinal), out schema))
            {
                missing.Add(type.Name);
                continue;
            }

            foreach (var property in Members(type))
            {
                if (property.GetCustomAttribute<AtMostAttribute>() is not { Count: var most }) continue;
                var member = schema!["properties"]![JsonNamingPolicy.CamelCase.ConvertName(property.Name)]!;
                if (IsMap(property.PropertyType))
                {
                    // Maps share two schemas; the smaller number of a selector is in its description.
                    if (!member.ToJsonString().Contains($"{most}", StringComparison.Ordinal) && Shared(schemas, member) != most) missing.Add($"{type.Name}.{property.Name}");
                    said++;
                    continue;
                }

                var name = property.PropertyType == typeof(string) ? "maxLength" : "maxItems";
                if ((int?)member[name] != most) missing.Add($"{type.Name}.{property.Name}: {member[name]} is not {most}");
                said++;
            }
        }

        Assert.Empty(missing);
        Assert.True(said > 40, $"only {said} limits were compared");
    }

    private static int? Shared(JsonObject schemas, JsonNode member)
    {
        var reference = (string?)member["$ref"] ?? member["oneOf"]?.AsArray().Select(o => (string?)o!["$ref"]).FirstOrDefault(r => r is not null);
        return reference is null ? null : (int?)schemas[reference.Split('/')[^1]]!["maxProperties"];
    }

    private static List<Type> FindRequests()
    {
        var found = new HashSet<Type>();
        var open = new Stack<Type>(typeof(ApiHost).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(ResourceRequest))).Append(typeof(VirtualMachineInterfaceBatchRequest)));
        while (open.TryPop(out var type))
        {
            if (!found.Add(type)) continue;
            foreach (var property in Members(type))
            {
                var inner = property.PropertyType.IsGenericType ? property.PropertyType.GetGenericArguments()[^1] : property.PropertyType;
                if (inner.IsClass && inner.Assembly == typeof(ApiHost).Assembly) open.Push(inner);
            }
        }

        return [.. found.OrderBy(t => t.Name, StringComparer.Ordinal)];
    }

    private static IEnumerable<PropertyInfo> Members(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always } && p.GetCustomAttribute<JsonExtensionDataAttribute>() is null);

    private static bool IsSized(Type type) => type == typeof(string) || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(List<>) || IsMap(type)));

    private static bool IsMap(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>);
}
