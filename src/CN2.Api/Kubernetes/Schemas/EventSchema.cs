using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Event of the core group.</summary>
public static class EventSchema
{
    private static readonly Schema.Structure Source = Structure(ReferenceSchemas.Core + "EventSource", "Who reports an event.",
        Text(1, "component", "The program."),
        Text(2, "host", "The machine it runs on."));

    private static readonly Schema.Structure Series = Structure(ReferenceSchemas.Core + "EventSeries", "Repeats of an event.",
        Number(1, "count", "How often it happened."),
        MicroTime(2, "lastObservedTime", "When it last happened."));

    public static ResourceDefinition Definition { get; } = new("", "v1", "Event", "events",
        Object(ReferenceSchemas.Core + "Event", "What happened to an object, and why.",
            Text(12, "action", "What was done."),
            Number(8, "count", "How often it happened."),
            MicroTime(10, "eventTime", "When it was first observed."),
            Time(6, "firstTimestamp", "When it first happened."),
            Of(2, "involvedObject", ReferenceSchemas.Object, "The object it happened to.").Required(),
            Time(7, "lastTimestamp", "When it last happened."),
            Text(4, "message", "A sentence for people."),
            Text(3, "reason", "One word, for programs."),
            Of(13, "related", ReferenceSchemas.Object, "Another object that has to do with it."),
            Text(14, "reportingComponent", "The program that reports it."),
            Text(15, "reportingInstance", "Which of its processes reports it."),
            Of(11, "series", Series, "Repeats of it."),
            Of(5, "source", Source, "Who reports it."),
            Text(9, "type", "Normal or Warning.")))
    {
        IsNative = true,
        ShortNames = ["ev"],
        Verbs = ResourceDefinition.ReadOnly,
    };
}
