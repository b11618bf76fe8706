extern alias agent;

using System.Reflection;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Architecture;

/// <summary>Who searches a log, or alerts by it, does so by the id of an event.</summary>
public sealed class EventIdTests
{
    public static TheoryData<string, Assembly> Programs => new()
    {
        { "CN2.Api", typeof(ApiHost).Assembly },
        { "cn2-vrouter", typeof(agent::CN2.VRouter.V1.Hello).Assembly },
    };

    [Theory]
    [MemberData(nameof(Programs), DisableDiscoveryEnumeration = true)]
    public void Each_event_of_a_program_s_log_has_an_id_of_its_own(string program, Assembly assembly)
    {
        const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
        var events = assembly.GetTypes().SelectMany(t => t.GetMethods(Declared))
            .Select(m => (Name: $"{m.DeclaringType!.Name}.{m.Name}", m.GetCustomAttribute<LoggerMessageAttribute>()?.EventId)).Where(e => e.EventId is not null).ToList();
        Assert.True(events.Count > 5, $"{program} has {events.Count} events: the attributes are not read");
        Assert.Empty(events.Where(e => e.EventId <= 0).Select(e => $"{e.Name} has no id"));
        Assert.Empty(events.GroupBy(e => e.EventId).Where(g => g.Count() > 1).Select(g => $"{g.Key}: {string.Join(", ", g.Select(e => e.Name))}"));
    }
}
