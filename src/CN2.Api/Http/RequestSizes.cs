using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using CN2.Api.Json;

namespace CN2.Api.Http;

/// <summary>
/// Compares a request with the <see cref="AtMostAttribute"/> of its members, before any rule looks at them. What is too long is one
/// fault, and the rest of it is dropped, so that the rules cost no more than they do at the limit.
/// </summary>
internal static class RequestSizes
{
    private static readonly ConcurrentDictionary<Type, Member[]> Known = new();

    public static void Check(object request, FaultList faults) => Check(request, null, faults);

    private static void Check(object value, Func<string>? path, FaultList faults)
    {
        foreach (var member in Known.GetOrAdd(value.GetType(), MembersOf))
        {
            if (value is ResourceRequest request && request.IsAsStored(member.Name)) continue;
            var content = member.Property.GetValue(value);
            switch (content)
            {
                case null:
                    break;
                case string text:
                    if (text.Length > member.Most) faults.Add(PathOf(member), $"must have at most {member.Most} characters");
                    break;
                case Dictionary<string, string> map:
                    if (map.Count <= member.Most) break;
                    faults.Add(PathOf(member), $"must have at most {member.Most} members");
                    foreach (var key in map.Keys.Skip(member.Most).ToList()) map.Remove(key);
                    break;
                case IList list:
                    if (list.Count > member.Most) faults.Add(PathOf(member), $"must have at most {member.Most} items");
                    for (var i = list.Count - 1; i >= member.Most; i--) list.RemoveAt(i);
                    if (!member.HasParts) break;
                    for (var i = 0; i < list.Count; i++)
                    {
                        var index = i;
                        if (list[i] is { } item) Check(item, () => $"{PathOf(member)}[{index}]", faults);
                    }

                    break;
                default:
                    Check(content, () => PathOf(member), faults);
                    break;
            }
        }

        string PathOf(Member member) => path is null ? member.Name : $"{path()}.{member.Name}";
    }

    /// <summary>The members with a limit, and those that are records with members of their own.</summary>
    private static Member[] MembersOf(Type type) =>
    [
        .. from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
           where property.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always } && property.GetIndexParameters().Length == 0
           let most = property.GetCustomAttribute<AtMostAttribute>()?.Count
           let isPart = IsPart(property.PropertyType)
           where most is not null || isPart
           select new Member(property, JsonNamingPolicy.CamelCase.ConvertName(property.Name), most ?? int.MaxValue,
               property.PropertyType.IsGenericType && IsPart(property.PropertyType.GetGenericArguments()[^1])),
    ];

    private static bool IsPart(Type type) => type is { IsClass: true, IsGenericType: false } && type.Assembly == typeof(RequestSizes).Assembly;

    private sealed record Member(PropertyInfo Property, string Name, int Most, bool HasParts);
}
